/**
 * Certificates for tests: one CA, two leaves it signed (localhost with 127.0.0.1, and a name that is never dialled), and
 * a CA that signed nothing. Made once with openssl, valid from 2020 to 2120.
 */
import { readFileSync } from "node:fs";

function pem(name: string): string {
  return readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), "utf8");
}

/** The CA that signed both leaves. */
export const caCert: string = pem("ca_cert");
/** A CA that has nothing to do with them. */
export const otherCaCert: string = pem("other_ca_cert");
/** For localhost and 127.0.0.1. */
export const localhost: { cert: string; key: string } = {
  cert: pem("localhost_cert"),
  key: pem("localhost_key"),
};
/** For elsewhere.invalid. */
export const elsewhere: { cert: string; key: string } = {
  cert: pem("elsewhere_cert"),
  key: pem("elsewhere_key"),
};
