/**
 * An offline stand-in for the functions of @std/streams that this project uses, with the same names and signatures.
 *
 * @module
 */
export {};
