/**
 * Options of a client, wherever they are given: none does nothing, and what is wrong is told all at once.
 */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type ClientOptions,
  createClient,
  createClusterAdmin,
  createConsumer,
  createLitePullConsumer,
  createProducer,
  type PartialWorld,
} from "../../../mod.ts";
import { CLIENT_OPTION_NAMES } from "../../../src/client/options.ts";
import { ConfigError } from "../../../src/core/errors.ts";

const namesrvAddr = "127.0.0.1:9876";

/** Everything that is made of a client, or of the options of one. */
const FACTORIES: Readonly<Record<string, (config: object, world?: PartialWorld) => unknown>> = {
  consumer: (config, world) => createConsumer({ consumerGroup: "G", ...config } as never, world),
  "lite pull consumer": (config, world) =>
    createLitePullConsumer({ consumerGroup: "G", ...config } as never, world),
  producer: (config, world) => createProducer({ producerGroup: "G", ...config } as never, world),
  admin: (config, world) => createClusterAdmin(config as never, world),
};

/** The paths of what is wrong. */
function paths(make: () => unknown): string[] {
  return assertThrows(make, ConfigError).facts.problems!.map(({ path }) => path).toSorted();
}

/** A value for each option of a client. */
const every: Readonly<Required<ClientOptions>> = {
  namesrvAddr,
  clientIp: "10.0.0.1",
  instanceName: "one",
  unitName: "unit",
  tls: true,
  credentials: { accessKey: "a", secretKey: "s" },
  namespace: "shop",
  namespaceV2: "shop",
  language: "JAVA",
  requestTimeoutMs: 1,
  connectTimeoutMs: 1,
  routePollIntervalMs: 10,
  heartbeatIntervalMs: 10,
  idleCloseMs: 1_000,
};

for (const [name, make] of Object.entries(FACTORIES)) {
  Deno.test(`beside a client that is given every option of a client, and a world, is refused, all at once: ${name}`, () => {
    const client = createClient({ namesrvAddr });
    const refused = [...CLIENT_OPTION_NAMES, "world"].toSorted();
    assertEquals(paths(() => make({ client, ...every }, { host: "10.0.0.2" })), refused);
    make({ client, namesrvAddr: undefined, tls: undefined }, undefined);
  });

  Deno.test(`a name that no option has is refused, beside what else is wrong: ${name}`, () => {
    const config = { namesrvAddr, heartbeatIntervalMs: 1, heartbeatInterval: 1 };
    assertEquals(paths(() => make(config)), ["heartbeatInterval", "heartbeatIntervalMs"]);
  });
}

Deno.test("a name that no option has is refused, beside what else is wrong: client", () => {
  const options = { namesrvAddr, idleCloseMs: 1, sendTimeoutMs: 1, client: createClient({ namesrvAddr }) };
  assertEquals(paths(() => createClient(options)), ["client", "idleCloseMs", "sendTimeoutMs"]);
});
