import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text as JSON, where it is. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever a server says
  readonly json: any;
}

/** Sends a request as any client does; the body is JSON text unless a content type is given. */
export async function ask(url: string, init: RequestInit = {}): Promise<HttpAnswer> {
  const headers = init.body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(url, { ...init, headers: { ...headers, ...init.headers } });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {}
  return { status: response.status, headers: response.headers, text, json };
}

/** Posts a value, or a text as it stands. */
export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  return await ask(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers,
  });
}

/** A bare connection that keeps all it is told. */
export class RawConnection {
  readonly socket: Socket;
  text = '';
  readonly closed: Promise<string>;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve(this.text)));
    this.socket.setEncoding('latin1').on('data', (piece: string) => {
      this.text += piece;
    });
    this.socket.on('error', () => {});
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** Resolves when the text so far matches. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) {
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.text)}`);
      await new Promise((resolve) => this.socket.once('data', resolve).once('close', resolve));
    }
    return this.text;
  }
}

/** The head of a POST to /predict. */
export const predictHead = (headers: string) =>
  `POST /predict HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n${headers}\r\n\r\n`;
