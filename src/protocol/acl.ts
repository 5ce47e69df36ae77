/**
 * Signing requests, for the ACL of 4.x and the authentication of 5.3 and later alike.
 *
 * The signature covers the values of all ext fields in the order of their keys, then the body; so signing comes last,
 * when every field is in place. Agrees with AclClientRPCHook and AclUtils. Credentials never reach a message or a log.
 */
import { createHmac } from "node:crypto";

/** Who signs. */
export interface Credentials {
  /** Name of the user. */
  readonly accessKey: string;
  /** Secret of the user; it never travels. */
  readonly secretKey: string;
  /** Token of a temporary identity. */
  readonly securityToken?: string | undefined;
}

/** Keys of the ext fields that carry the signature. */
export const AclField = {
  ACCESS_KEY: "AccessKey",
  SECURITY_TOKEN: "SecurityToken",
  SIGNATURE: "Signature",
} as const;

const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array(0);

/** What is signed: the values of `extFields` by ascending key, the signature left out, in UTF-8. The body follows. */
export function signedText(extFields: Readonly<Record<string, string>>): string {
  let text = "";
  for (const key of Object.keys(extFields).sort()) {
    if (key !== AclField.SIGNATURE) text += extFields[key];
  }
  return text;
}

/** HMAC-SHA1 of `head` and `body` under `secretKey`, in base64. */
export function signature(
  head: Uint8Array,
  body: Uint8Array | undefined,
  secretKey: string,
): string {
  return createHmac("sha1", encoder.encode(secretKey)).update(head).update(body ?? NO_BYTES).digest("base64");
}

/** Puts access key, token and signature into `extFields`. Nothing may be added to them afterwards. */
export function sign(
  extFields: Record<string, string>,
  body: Uint8Array | undefined,
  credentials: Credentials,
): void {
  extFields[AclField.ACCESS_KEY] = credentials.accessKey;
  if (credentials.securityToken !== undefined) {
    extFields[AclField.SECURITY_TOKEN] = credentials.securityToken;
  }
  extFields[AclField.SIGNATURE] = signature(
    encoder.encode(signedText(extFields)),
    body,
    credentials.secretKey,
  );
}

/** Whether the signature in `extFields` is the one that `secretKey` makes. */
export function verify(
  extFields: Readonly<Record<string, string>>,
  body: Uint8Array | undefined,
  secretKey: string,
): boolean {
  return extFields[AclField.SIGNATURE] === signature(encoder.encode(signedText(extFields)), body, secretKey);
}
