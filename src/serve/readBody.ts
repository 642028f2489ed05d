import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BytePool } from './bytePool.js';
import { busy, HttpError } from './httpError.js';

const FIRST_BYTES = 4096;

/** A body that lies in memory; `release` gives its bytes back to the pool. */
export interface Body {
  readonly bytes: Uint8Array;
  release(): void;
}

/** The length a request announces; undefined when it comes in chunks. */
export function announcedLength({ headers }: IncomingMessage): number | undefined {
  const text = headers['content-length'];
  if (text !== undefined) return Number(text);
  return headers['transfer-encoding'] === undefined ? 0 : undefined;
}

function tooLarge(mostBytes: number): HttpError {
  return new HttpError(
    413,
    'TOO_LARGE',
    `the body is longer than ${mostBytes} bytes (--max-body); send fewer rows at a time`,
  );
}

/**
 * Reads the body of a request into one buffer, which grows as bytes come, so that what a client merely announces holds nothing.
 * Rejects with 413, or 503 when the pool is empty; with a plain error when the client goes away. `activity`: called for each
 * piece, with its length.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  pool: BytePool,
  mostBytes: number,
  activity: (bytes: number) => void,
): Promise<Body> {
  const announced = announcedLength(request);
  if (announced !== undefined && announced > mostBytes) throw tooLarge(mostBytes);
  let buffer = new Uint8Array(0);
  let length = 0;
  const release = () => {
    pool.give(buffer.length);
    buffer = new Uint8Array(0);
  };
  const makeRoom = (needed: number) => {
    if (needed <= buffer.length) return;
    const size = Math.min(announced ?? mostBytes, Math.max(needed, 2 * buffer.length, FIRST_BYTES));
    if (!pool.take(size)) throw busy('too many requests at a time; try again');
    const larger = new Uint8Array(size);
    larger.set(buffer.subarray(0, length));
    pool.give(buffer.length);
    buffer = larger;
  };
  if (request.headers.expect !== undefined) response.writeContinue();
  try {
    await new Promise<void>((resolve, reject) => {
      // Every request closes; an error is made only for one that closes too early.
      const settle = () => request.off('data', take).off('end', end).off('error', fail).off('close', leave);
      const end = () => {
        settle();
        resolve();
      };
      const fail = (error: unknown) => {
        settle();
        // Nobody else listens any more.
        request.on('error', () => {});
        reject(error);
      };
      const leave = () => fail(new Error('the client has gone away'));
      const take = (chunk: Uint8Array) => {
        try {
          if (length + chunk.length > mostBytes) throw tooLarge(mostBytes);
          makeRoom(length + chunk.length);
          buffer.set(chunk, length);
          length += chunk.length;
          activity(chunk.length);
        } catch (error) {
          fail(error);
        }
      };
      request.on('data', take).on('end', end).on('error', fail).on('close', leave);
    });
    return { bytes: buffer.subarray(0, length), release };
  } catch (error) {
    release();
    throw error;
  }
}
