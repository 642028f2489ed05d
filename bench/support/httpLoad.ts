import { connect, type Socket } from 'node:net';

/** What a server did with requests that follow one another on some connections. */
export interface Load {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Milliseconds from the first byte sent to the last byte of the answer. */
  readonly p50: number;
  readonly p99: number;
}

/**
 * Sends one request again and again over some connections that stay open, each as soon as the last is answered. The least that a client
 * can do: what is measured is the server.
 */
export async function load(
  port: number,
  body: string,
  connections: number,
  milliseconds: number,
): Promise<Load> {
  const request = Buffer.from(
    `POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const times: number[] = [];
  const started = performance.now();
  const end = started + milliseconds;
  await Promise.all(Array.from({ length: connections }, () => askUntil(port, request, end, times)));
  const seconds = (performance.now() - started) / 1000;
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { requests: times.length, requestsPerSecond: times.length / seconds, p50: at(0.5), p99: at(0.99) };
}

async function askUntil(port: number, request: Buffer, end: number, times: number[]): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  try {
    while (performance.now() < end) {
      const asked = performance.now();
      await ask(socket, request);
      times.push(performance.now() - asked);
    }
  } finally {
    socket.destroy();
  }
}

/** Sends a request and waits for its whole answer, which has a length. */
function ask(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    let wanted = Number.POSITIVE_INFINITY;
    const take = (piece: Buffer) => {
      text += piece.toString('latin1');
      if (wanted === Number.POSITIVE_INFINITY) {
        const head = text.indexOf('\r\n\r\n');
        if (head < 0) return;
        if (!text.startsWith('HTTP/1.1 200')) return done(new Error(text));
        wanted = head + 4 + Number(/content-length: (\d+)/i.exec(text)![1]);
      }
      if (text.length >= wanted) done();
    };
    const done = (error?: Error) => {
      socket.off('data', take).off('close', gone);
      if (error === undefined) resolve();
      else reject(error);
    };
    const gone = () => done(new Error('the server closed the connection'));
    socket.on('data', take).once('close', gone);
    socket.write(request);
  });
}
