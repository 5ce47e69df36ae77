/**
 * The one seam that touches the world: two function types and the shape of a connection.
 *
 * Each runtime implements them in its own file (deno, bun, node), memory implements both for tests. They are passed
 * in as values; nothing is registered globally. One contract suite pins their behaviour: half-close ends `readable`,
 * a reset errors it, back-pressure holds the writer, an abort during connect leaves nothing open.
 */
export { formatAddress } from "../core/address.ts";

/** Where to connect to or to listen at. */
export interface Address {
  /** Host name or IP address, without brackets. */
  readonly host: string;
  /** TCP port; 0 when listening asks for a free one. */
  readonly port: number;
}

/** How a connection is secured when it dials. The peer's certificate and name are verified unless told otherwise. */
export interface TlsOptions {
  /** PEM certificates to trust beside the system's. */
  readonly caCerts?: readonly string[];
  /** PEM certificate chain that identifies this side. */
  readonly cert?: string;
  /** PEM private key (PKCS#8) that belongs to `cert`. */
  readonly key?: string;
  /** Name to expect in the peer's certificate; the dialled host by default. */
  readonly serverName?: string;
  /** Accept any certificate. For development only; default false. */
  readonly insecureSkipVerify?: boolean;
}

/** A listening side's identity. */
export interface ListenTlsOptions {
  /** PEM certificate chain. */
  readonly cert: string;
  /** PEM private key (PKCS#8). */
  readonly key: string;
}

/** A connection: bytes in, bytes out. */
export interface Duplex {
  /** Bytes from the peer; ends when the peer half-closes, errors with a NetworkError on reset. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Bytes to the peer; `write()` resolves when the transport can take more, `close()` half-closes. */
  readonly writable: WritableStream<Uint8Array>;
  /** This end. */
  readonly local: Address;
  /** The other end. */
  readonly remote: Address;
  /**
   * The reader is done with a chunk of `readable` and refers to it no more: its memory may be read into again. For readers
   * that copy what they keep; nobody has to call it.
   */
  recycle?(chunk: Uint8Array): void;
  /** Ends both directions at once. A pending read then ends or rejects; calling it again does nothing. */
  close(reason?: unknown): void;
}

/** Dials `address`; rejects with a NetworkError (or the signal's reason) and leaves nothing open. */
export type Connect = (
  address: Address,
  options?: { readonly signal?: AbortSignal; readonly tls?: TlsOptions },
) => Promise<Duplex>;

/** An open listening socket. */
export interface Listener {
  /** Where it listens, with the port that was given. */
  readonly address: Address;
  /** Stops accepting; connections that were handed out stay open. */
  close(): Promise<void>;
}

/** Listens at `address` and hands every accepted connection to `onDuplex`. */
export type Listen = (
  address: Address,
  options: { onDuplex(duplex: Duplex): void; readonly tls?: ListenTlsOptions; readonly signal?: AbortSignal },
) => Promise<Listener>;
