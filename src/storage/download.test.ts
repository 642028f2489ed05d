import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { downloadFile } from './download.js';
import { MemoryStorage } from './memoryStorage.js';

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251);
const sha256 = createHash('sha256').update(content).digest('hex');

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server on this machine; returns its address and the requests it got. */
async function serve(context: TestContext, handler: Handler) {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, ranges };
}

/** Serves the content, from the byte asked for. */
const whole: Handler = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from > 0) response.setHeader('content-range', `bytes ${from}-${content.length - 1}/${content.length}`);
  response.setHeader('content-length', content.length - from);
  response.statusCode = from > 0 ? 206 : 200;
  response.end(content.subarray(from));
};

async function partFile(storage: MemoryStorage, bytes: Uint8Array): Promise<void> {
  const file = await storage.create('/cache/file.part');
  await file.write(bytes, 0);
}

test('a file is downloaded, checked and named at the end', async (context) => {
  const { url, ranges } = await serve(context, whole);
  const storage = new MemoryStorage();
  const seen: [number, number][] = [];
  await downloadFile(storage, [url], '/cache/file', {
    sha256,
    onProgress: (done, total) => {
      assert.deepEqual(storage.paths(), ['/cache/file.part']);
      seen.push([done, total]);
    },
  });
  assert.deepEqual(storage.paths(), ['/cache/file']);
  assert.deepEqual(storage.bytesOf('/cache/file'), content);
  assert.deepEqual(seen.at(-1), [content.length, content.length]);
  assert.deepEqual(ranges, [undefined]);
});

test('an interrupted download goes on where it stopped', async (context) => {
  const { url, ranges } = await serve(context, whole);
  const storage = new MemoryStorage();
  await partFile(storage, content.subarray(0, 100_001));
  const seen: number[] = [];
  await downloadFile(storage, [url], '/cache/file', { sha256, onProgress: (done) => seen.push(done) });
  assert.deepEqual(ranges, ['bytes=100001-']);
  assert.ok(seen[0]! > 100_001);
  assert.deepEqual(storage.bytesOf('/cache/file'), content);
});

test('a connection that breaks half way is resumed', async (context) => {
  let requests = 0;
  const { url, ranges } = await serve(context, (request, response) => {
    if (++requests > 1) return whole(request, response);
    response.setHeader('content-length', content.length);
    response.write(content.subarray(0, 150_000), () => setTimeout(() => response.destroy(), 50));
  });
  const storage = new MemoryStorage();
  await downloadFile(storage, [url], '/cache/file', { sha256 });
  assert.equal(ranges.length, 2);
  assert.match(ranges[1]!, /^bytes=\d+-$/);
  assert.deepEqual(storage.bytesOf('/cache/file'), content);
});

test('a server that cannot resume, or a part that is wrong or complete, means beginning anew', async (context) => {
  const ignoring = await serve(context, (request, response) => {
    delete request.headers.range;
    whole(request, response);
  });
  const refusing = await serve(context, (request, response) => {
    if (request.headers.range === undefined) return whole(request, response);
    response.statusCode = 416;
    response.end();
  });
  const resuming = await serve(context, whole);
  const cases = [
    [ignoring, content.subarray(0, 1000)],
    [refusing, content],
    [resuming, new Uint8Array(1000)],
  ] as const;
  for (const [{ url }, part] of cases) {
    const storage = new MemoryStorage();
    await partFile(storage, part);
    await downloadFile(storage, [url], '/cache/file', { sha256 });
    assert.deepEqual(storage.bytesOf('/cache/file'), content);
    assert.deepEqual(storage.paths(), ['/cache/file']);
  }
});

test('without a known hash a part is never trusted', async (context) => {
  const { url, ranges } = await serve(context, whole);
  const storage = new MemoryStorage();
  await partFile(storage, new Uint8Array(1000));
  await downloadFile(storage, [url], '/cache/file');
  assert.deepEqual(ranges, [undefined]);
  assert.deepEqual(storage.bytesOf('/cache/file'), content);
});

test('wrong contents are refused and removed; the next address is tried', async (context) => {
  const wrong = await serve(context, (_, response) => response.end('<html>log in</html>'));
  const storage = new MemoryStorage();
  await assert.rejects(downloadFile(storage, [wrong.url], '/cache/file', { sha256 }), {
    code: 'MLML_DOWNLOAD',
    message: new RegExp(
      `could not download /cache/file: ${wrong.url}: wrong contents \\(sha256 .* instead of ${sha256}`,
    ),
  });
  assert.deepEqual(storage.paths(), []);
  const right = await serve(context, whole);
  await downloadFile(storage, [wrong.url, right.url], '/cache/file', { sha256 });
  assert.deepEqual(storage.paths(), ['/cache/file']);
});

test('each address that failed is named with its reason', async (context) => {
  const missing = await serve(context, (_, response) => {
    response.statusCode = 404;
    response.end();
  });
  const silent = await serve(context, () => {});
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const refused = `http://127.0.0.1:${(closed.address() as AddressInfo).port}/file`;
  await new Promise((resolve) => closed.close(resolve));
  const options = { sha256, timeoutMs: 150 };
  const urls = [missing.url, refused, silent.url];
  await assert.rejects(downloadFile(new MemoryStorage(), urls, '/cache/file', options), (error: Error) => {
    assert.match(error.message, /\/file: the server answered 404 Not Found; /);
    assert.match(error.message, /\/file: no connection \(ECONNREFUSED\); /);
    assert.match(error.message, /nothing arrived for 0.15 s$/);
    return true;
  });
  assert.equal(missing.ranges.length, 1);
});

test('an interruption keeps the part for next time', async (context) => {
  const { url } = await serve(context, (_, response) => {
    response.setHeader('content-length', content.length);
    response.write(content.subarray(0, 1000));
  });
  const storage = new MemoryStorage();
  const abort = new AbortController();
  const options = { sha256, signal: abort.signal, onProgress: () => abort.abort() };
  await assert.rejects(downloadFile(storage, [url], '/cache/file', options), { code: 'MLML_INTERRUPTED' });
  assert.deepEqual(storage.bytesOf('/cache/file.part'), content.slice(0, 1000));
  await assert.rejects(downloadFile(storage, [url], '/cache/file', options), { code: 'MLML_INTERRUPTED' });
});
