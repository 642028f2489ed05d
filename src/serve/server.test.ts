import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask, post, predictHead, RawConnection } from '../../test/support/httpClient.js';
import { classes, trained } from '../../test/support/kernelTraining.js';
import { plain, served, table } from '../../test/support/servedModel.js';
import { saveModel } from '../model/saveModel.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import type { ServeOptions } from './serveOptions.js';
import { startServer } from './server.js';

describe('predictions', () => {
  test('one row or several, as lists or in fields, with and without probabilities', async (t) => {
    const { predict } = await served(t);
    const less = { class: 0, name: 'less' };
    const more = { class: 1, name: 'more' };
    for (const [body, wanted] of [
      [[2, 1], { prediction: more }],
      [{ row: [1, 2] }, { prediction: less }],
      [[[1, 2]], { predictions: [less] }],
      [
        {
          rows: [
            [1, 2],
            [2, 1],
          ],
        },
        { predictions: [less, more] },
      ],
      [[], { predictions: [] }],
    ] as const) {
      const { status, json, headers } = await post(predict, body);
      assert.equal(status, 200);
      assert.equal(headers.get('content-type'), 'application/json');
      assert.deepEqual(json, wanted);
    }
    const chance = 1 / (1 + Math.exp(-1));
    for (const [query, body] of [
      ['?proba=1', [[2, 1]]],
      ['', { rows: [[2, 1]], proba: true }],
      ['?proba=0', { rows: [[2, 1]], proba: true }],
    ] as const) {
      const { json } = await post(predict + query, body);
      assert.ok(Math.abs(json.predictions[0].probabilities[1] - chance) < 1e-12);
    }
    assert.equal(
      (await post(`${predict}?proba=1`, { row: [2, 1], proba: false })).json.prediction.probabilities,
      undefined,
    );
  });

  test('rows by the names of columns, with ids', async (t) => {
    const { predict } = await served(t, table);
    const rows = [
      { rooms: 3, constructor: 'no', house: 17, garden: 'ignored' },
      { rooms: null, constructor: 'yes' },
      [1, 0],
    ];
    const { json } = await post(predict, rows);
    assert.deepEqual(json.predictions, [
      { id: 17, class: 1, name: 'more' },
      { class: 0, name: 'less' },
      { class: 1, name: 'more' },
    ]);
    assert.deepEqual((await post(predict, { row: rows[1] })).json, {
      prediction: { class: 0, name: 'less' },
    });
  });

  test('a kernel model', async (t) => {
    const storage = new MemoryStorage();
    const dataset = await classes(storage, 3, 'uint8', 90, 6);
    const { result } = await trained('cg', storage, dataset, { kernel: 'rbf', sigma: 2, reg: [0.3] });
    const { predict, url } = await served(t, result.model, { nthreads: 1 }, storage);
    const { status, json } = await post(predict, [[120, 130, 128, 127, 140, 100]]);
    assert.equal(status, 200);
    assert.ok([0, 1, 2].includes(json.predictions[0].class));
    const bad = await post(predict, [
      [120, 130, 128, 127, 140, 100],
      [0, 0, 0, 0, 0, 300],
    ]);
    assert.equal(bad.status, 400);
    assert.deepEqual([bad.json.error.row, bad.json.error.column, bad.json.error.value], [1, 5, '300']);
    const refused = await post(`${predict}?proba=1`, [[0, 0, 0, 0, 0, 0]]);
    assert.deepEqual([refused.status, refused.json.error.code], [400, 'MLML_USAGE']);
    assert.equal((await ask(`${url}/model`)).json.kind, 'kernel');
  });

  test('a regression', async (t) => {
    const { predict, url } = await served(t, { ...plain, task: 'regression', loss: 'ridge', classNames: [] });
    assert.deepEqual((await post(predict, [[2, 0.5]])).json, { predictions: [{ value: 1.5 }] });
    assert.equal((await ask(`${url}/model`)).json.probabilities, false);
  });
});

describe('operation', () => {
  test('metrics count requests, rows and time', async (t) => {
    const { url, predict } = await served(t);
    for (let i = 0; i < 3; i++)
      await post(predict, [
        [1, 2],
        [2, 1],
      ]);
    await post(predict, [[1]]);
    await ask(`${url}/wp-admin`);
    const { text, headers } = await ask(`${url}/metrics`);
    assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.match(text, /^mlml_requests_total\{path="\/predict",code="200"\} 3$/m);
    assert.match(text, /^mlml_requests_total\{path="\/predict",code="400"\} 1$/m);
    assert.match(text, /^mlml_requests_total\{path="other",code="404"\} 1$/m);
    assert.match(text, /^mlml_rows_total 6$/m);
    assert.match(text, /^mlml_predict_duration_seconds_count 4$/m);
    assert.match(text, /^mlml_predict_duration_seconds_bucket\{le="\+Inf"\} 4$/m);
    assert.match(text, /^mlml_requests_in_flight 0$/m);
    assert.ok(Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)![1]) > 1e7);
    // Every line is a comment or a sample, each family has its type, buckets never fall.
    for (const line of text.trimEnd().split('\n'))
      assert.match(
        line,
        /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)$/,
      );
    const buckets = [...text.matchAll(/_bucket\{le="[^"]+"\} (\d+)/g)].map(([, count]) => Number(count));
    assert.deepEqual(
      buckets,
      [...buckets].sort((a, b) => a - b),
    );
  });

  test('a connection is used for many requests', async (t) => {
    const { server } = await served(t);
    const one = new RawConnection(server.port);
    for (let i = 1; i <= 3; i++) {
      one.send(`${predictHead('content-length: 5')}[2,1]`);
      await one.until(new RegExp(`("more".*){${i}}`, 's'));
    }
    // Requests that do not wait for the answers of those before get them in order.
    one.send(`${predictHead('content-length: 5')}[2,1]${predictHead('content-length: 5')}[1,2]`);
    await one.until(/"more"[\s\S]*"less"[\s\S]*\n/);
    one.socket.destroy();
  });

  test('closing answers what has come, and takes nothing new', async (t) => {
    const { server, url } = await served(t);
    const late = new RawConnection(server.port);
    late.send(`${predictHead('content-length: 5')}[2,`);
    await ask(`${url}/health`);
    const closed = server.close();
    assert.equal(server.close(), closed);
    await assert.rejects(ask(`${url}/health`));
    late.send('1]');
    assert.match(await late.closed, /^HTTP\/1.1 200 OK.*connection: close.*"more"/is);
    await closed;
  });

  test('the model is loaded again; one that cannot be loaded leaves the old one', async (t) => {
    const { server, storage, url, predict, events } = await served(t);
    await storage.remove('/m');
    await saveModel(storage, '/m', { ...plain, weights: Float64Array.of(-1, 1), fingerprint: 'f2' });
    assert.equal((await post(predict, [2, 1])).json.prediction.class, 1);
    await server.reload();
    assert.equal((await post(predict, [2, 1])).json.prediction.class, 0);
    assert.deepEqual(events, [{ type: 'reloaded', fingerprint: 'f2' }]);
    await storage.remove('/m');
    await assert.rejects(server.reload(), { code: 'MLML_NOT_FOUND' });
    assert.equal((await post(predict, [2, 1])).json.prediction.class, 0);
    const { text } = await ask(`${url}/metrics`);
    assert.match(text, /^mlml_reloads_total\{result="ok"\} 1$/m);
    assert.match(text, /^mlml_reloads_total\{result="failed"\} 1$/m);
  });

  test('addresses that cannot be had, and budgets that are too small', async (t) => {
    const { server, storage } = await served(t);
    const start = (options: ServeOptions) => startServer(storage, '/m', options);
    await assert.rejects(start({ port: server.port }), {
      code: 'MLML_USAGE',
      message: /--port=\d+: another program/,
    });
    await assert.rejects(start({ port: 0, host: '192.0.2.1' }), {
      code: 'MLML_USAGE',
      message: /no address of this machine/,
    });
    await assert.rejects(start({ port: 0, bufferBytes: 1e5, maxBodyBytes: 1e5 }), {
      code: 'MLML_BUDGET_TOO_SMALL',
    });
    await assert.rejects(start({ port: 0, bufferBytes: 58_000 }), {
      code: 'MLML_BUDGET_TOO_SMALL',
      message: /predicting with 2 features/,
    });
    await assert.rejects(startServer(storage, '/other', { port: 0 }), { code: 'MLML_NOT_FOUND' });
  });
});
