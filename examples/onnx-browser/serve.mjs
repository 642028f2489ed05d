// Trains a classifier of handwritten digits, exports it as ONNX, and serves a page that runs it in the browser.
//
//   node examples/onnx-browser/serve.mjs [port]        then open the address it prints
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultOptions, exportModel, nodeStorage, openByName, train } from 'mlml';

const here = fileURLToPath(new URL('.', import.meta.url));
const runtime = fileURLToPath(new URL('../../node_modules/onnxruntime-web/dist/', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mlml-onnx-browser-'));

const dataset = await openByName(nodeStorage, 'digits', { dataDir: folder, n: 5000 });
const { model, test } = await train(
  'ssgd',
  dataset,
  { ...defaultOptions, loss: 'softmax', bufferBytes: 4e6 },
  { storage: nodeStorage, scratchFolder: join(folder, 'scratch') },
);
await dataset.close();
// Browsers compute in floats where they compute on a GPU.
await exportModel(nodeStorage, model, join(folder, 'digits.onnx'), { format: 'onnx', precision: 'float32' });
console.log(`trained on 5 000 digits, ${(100 * test.accuracy).toFixed(1)} % right`);

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** The files of the page, of the model and of the runtime; nothing else. */
function fileOf(path) {
  if (path === '/') return join(here, 'index.html');
  if (path === '/classify.js') return join(here, 'classify.js');
  if (path === '/digits.onnx') return join(folder, 'digits.onnx');
  const name = /^\/ort\/([\w.-]+\.(?:mjs|wasm))$/.exec(path)?.[1];
  return name === undefined ? undefined : join(runtime, name);
}

const server = createServer(async (request, response) => {
  const file = fileOf(new URL(request.url ?? '/', 'http://localhost').pathname);
  const size = file && (await stat(file).catch(() => undefined))?.size;
  if (size === undefined) return response.writeHead(404).end('there is nothing here\n');
  response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream', 'content-length': size });
  createReadStream(file).pipe(response);
});
server.listen(Number(process.argv[2] ?? 8000), '127.0.0.1', () => {
  console.log(`open http://127.0.0.1:${server.address().port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, async () => {
    await rm(folder, { recursive: true, force: true });
    process.exit(0);
  });
