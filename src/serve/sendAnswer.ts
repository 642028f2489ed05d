import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpError } from './httpError.js';
import { announcedLength } from './readBody.js';

/** A body that nobody wanted is read on for so long, so that the client comes to read the answer. */
const LINGER_MS = 1000;
/** Shorter ones are simply passed over, and the connection stays. */
const SHORT_BODY = 65_536;

/** An answer, ready to be sent. */
export interface Answer {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain; version=0.0.4; charset=utf-8';
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON answer with a line break at its end. */
export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: Buffer.from(`${JSON.stringify(value)}\n`) };
}

/** `{"error": {code, message, …}}`. */
export function errorAnswer({ status, code, message, details, headers }: HttpError): Answer {
  return { ...jsonAnswer(status, { error: { code, message, ...details } }), headers };
}

/** Whether a good part of the request's body has yet to come. */
function hasMore(request: IncomingMessage): boolean {
  const length = announcedLength(request);
  return !request.complete && (length === undefined || length > SHORT_BODY);
}

/** Sends an answer. `last`: the connection closes after it. `activity`: called while the rest of a body is passed over. */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  last: boolean,
  activity: (bytes: number) => void,
): void {
  const unread = hasMore(request);
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': answer.body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
    ...(last || unread ? { connection: 'close' } : {}),
  });
  if (!unread) {
    response.end(answer.body);
    return;
  }
  // Closing now would throw away what has come and has not been read, and with it, at the client, the answer.
  response.write(answer.body);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request
    .on('data', (piece: Uint8Array) => activity(piece.length))
    .once('end', end)
    .once('close', end)
    .resume();
}

/** What is told on a connection whose request could not be read. */
export function rawAnswer(status: number, reason: string, code: string, message: string): string {
  const body = `${JSON.stringify({ error: { code, message } })}\n`;
  return [
    `HTTP/1.1 ${status} ${reason}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
