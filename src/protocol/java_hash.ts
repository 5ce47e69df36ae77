/**
 * Java's `String.hashCode`: what tags, subscriptions and fingerprints are compared by.
 */

/** `h = 31·h + unit` over the UTF-16 units of `text`, as a signed 32-bit integer. */
export function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}
