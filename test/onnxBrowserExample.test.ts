import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web';
import { openByName } from '../src/data/import/openByName.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { runProcess } from './support/childProcess.js';
import { root } from './support/root.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const folder = join(root, 'examples', 'onnx-browser');

test('the example of a model in the browser: its server, and its classifier on what the server gives', async (t) => {
  const stop = new AbortController();
  let address: (url: string) => void;
  const listening = new Promise<string>((resolve) => {
    address = resolve;
  });
  let output = '';
  const server = runProcess(process.execPath, [join(folder, 'serve.mjs'), '0'], {
    signal: stop.signal,
    onOutput: (text) => {
      output += text;
      const found = /open (http:\S+)\n/.exec(output);
      if (found !== null) address(found[1]!);
    },
  });
  t.after(async () => {
    stop.abort();
    await server;
  });
  const ended = server.then(({ stderr }) => assert.fail(`the server ended: ${stderr}`));
  const url = await Promise.race([listening, ended]);

  const get = async (path: string) => {
    const response = await fetch(new URL(path, url));
    const bytes = Buffer.from(await response.arrayBuffer());
    return { status: response.status, type: response.headers.get('content-type'), bytes };
  };
  const page = await get('/');
  assert.equal(page.type, 'text/html; charset=utf-8');
  // All that the page asks for is there.
  const asked = [...page.bytes.toString().matchAll(/'(\.\/[\w./-]+\.\w+)'/g)].map(([, path]) => path!);
  assert.deepEqual(asked, ['./ort/ort.wasm.min.mjs', './classify.js', './digits.onnx']);
  for (const path of [...asked, './ort/ort-wasm-simd-threaded.mjs', './ort/ort-wasm-simd-threaded.wasm']) {
    const { status, bytes } = await get(path);
    assert.equal(status, 200, path);
    assert.ok(bytes.length > 0, path);
  }
  assert.equal((await get('/ort/ort-wasm-simd-threaded.wasm')).type, 'application/wasm');
  for (const path of ['/serve.mjs', '/ort/../serve.mjs', '/ort/%2e%2e%2fpackage.json', '/ort/none.wasm'])
    assert.equal((await get(path)).status, 404, path);

  const { openClassifier, shrink } = await import(pathToFileURL(join(folder, 'classify.js')).href);
  const { classify } = await openClassifier(ort, (await get('/digits.onnx')).bytes);
  const dataset = await openByName(nodeStorage, 'digits', {
    dataDir: temporaryFolder(t),
    n: 500,
    nt: 200,
    seed: 7,
  });
  const rows = new Uint8Array(200 * dataset.layout.rowBytes);
  await dataset.test.readRows(rows, 0, 200);
  await dataset.close();
  let right = 0;
  for (let row = 0; row < 200; row++) {
    const bytes = rows.subarray(row * 785, (row + 1) * 785);
    const { label, probabilities } = await classify(bytes.subarray(0, 784));
    assert.ok(Math.abs(probabilities.reduce((sum: number, share: number) => sum + share, 0) - 1) < 1e-5);
    if (label === bytes[784]) right++;
  }
  assert.ok(right > 160, `${right} of 200 right`);

  // A picture ten times as large, in which each square is of one colour.
  const digit = [...rows.subarray(0, 784)];
  const data = new Uint8ClampedArray(4 * 280 * 280);
  for (let y = 0; y < 280; y++)
    for (let x = 0; x < 280; x++)
      data[4 * (280 * y + x)] = digit[28 * Math.floor(y / 10) + Math.floor(x / 10)]!;
  assert.deepEqual(shrink({ data, width: 280 }), digit);
});
