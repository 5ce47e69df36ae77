/**
 * All scenarios, in the order of their themes.
 */
import { offsetStoreContract } from "../contract/offset_store_kinds.ts";
import { settlementContract } from "../contract/settlement_contract.ts";
import type { Scenario } from "./scenario.ts";
import * as adminRoutes from "./scenarios/admin_routes.ts";
import * as administering from "./scenarios/administering.ts";
import * as asked from "./scenarios/asked_by_brokers.ts";
import * as mqadmin from "./scenarios/asked_by_mqadmin.ts";
import * as badInput from "./scenarios/bad_input.ts";
import * as badRecords from "./scenarios/bad_records.ts";
import * as broadcasting from "./scenarios/broadcasting.ts";
import * as churn from "./scenarios/churn.ts";
import * as commandLine from "./scenarios/command_line.ts";
import * as consuming from "./scenarios/consuming.ts";
import * as control from "./scenarios/control.ts";
import * as failover from "./scenarios/failover.ts";
import * as filters from "./scenarios/filters.ts";
import * as flow from "./scenarios/flow.ts";
import * as groups from "./scenarios/groups.ts";
import * as kill from "./scenarios/kill.ts";
import * as litePull from "./scenarios/lite_pull.ts";
import * as litePullGroups from "./scenarios/lite_pull_groups.ts";
import * as logging from "./scenarios/logging.ts";
import * as mixed from "./scenarios/mixed_groups.ts";
import * as namespaces from "./scenarios/namespaces.ts";
import * as offsets from "./scenarios/offsets.ts";
import * as offsetIllegal from "./scenarios/offset_illegal.ts";
import * as orderly from "./scenarios/orderly.ts";
import * as outages from "./scenarios/outages.ts";
import * as permissions from "./scenarios/permissions.ts";
import * as pop from "./scenarios/pop.ts";
import * as producing from "./scenarios/producing.ts";
import * as retries from "./scenarios/retries.ts";
import * as routeChanges from "./scenarios/route_changes.ts";
import * as shutdown from "./scenarios/shutdown.ts";
import * as spans from "./scenarios/spans.ts";
import * as stalled from "./scenarios/stalled.ts";
import * as tracing from "./scenarios/tracing.ts";

/** Every exported scenario. */
export const scenarios: readonly Scenario[] = [
  // first, as they take longest
  churn,
  kill,
  consuming,
  producing,
  control,
  asked,
  administering,
  adminRoutes,
  commandLine,
  mqadmin,
  tracing,
  spans,
  logging,
  offsets,
  groups,
  mixed,
  namespaces,
  pop,
  retries,
  filters,
  settlementContract,
  offsetStoreContract,
  orderly,
  broadcasting,
  litePull,
  litePullGroups,
  flow,
  shutdown,
  routeChanges,
  offsetIllegal,
  stalled,
  outages,
  failover,
  badInput,
  badRecords,
  permissions,
].flatMap((theme) => Object.values<Scenario>(theme));
