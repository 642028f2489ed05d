import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ask, post, predictHead, RawConnection } from '../../test/support/httpClient.js';
import { classes, trained } from '../../test/support/kernelTraining.js';
import type { Model } from '../model/saveModel.js';
import { saveModel } from '../model/saveModel.js';
import type { LinearModel } from '../ssgd/linearModel.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import type { ServeEvent, ServeOptions } from './serveOptions.js';
import { startServer } from './server.js';

/** Two features; class 1 when x0 > x1. */
const plain: LinearModel = {
  task: 'classification',
  loss: 'logistic',
  d: 2,
  k: 1,
  scaling: { name: 'none', multiply: Float64Array.of(1, 1), add: new Float64Array(2) },
  weights: Float64Array.of(1, -1),
  intercept: Float64Array.of(0),
  classNames: ['less', 'more'],
  fingerprint: 'f1',
};
const table: LinearModel = {
  ...plain,
  columns: {
    features: [
      { column: 'rooms', kind: 'number', missing: { fill: 0, indicator: false } },
      { column: 'constructor', kind: 'category', values: ['yes'] },
    ],
    label: { column: 'price', kind: 'class' },
    id: 'house',
  },
};

async function served(
  t: TestContext,
  model: Model = plain,
  options: ServeOptions = {},
  storage = new MemoryStorage(),
) {
  await saveModel(storage, '/m', model);
  const events: ServeEvent[] = [];
  const server = await startServer(storage, '/m', {
    port: 0,
    onEvent: (event) => events.push(event),
    ...options,
  });
  t.after(() => server.close());
  return { storage, server, events, url: server.url, predict: `${server.url}/predict` };
}

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

describe('what is not well asked', () => {
  test('400 names the field', async (t) => {
    const { predict } = await served(t, table);
    const cases: readonly (readonly [unknown, Record<string, unknown>, RegExp])[] = [
      ['', { code: 'BAD_JSON' }, /empty/],
      ['[[1,2]', { code: 'BAD_JSON' }, /not JSON/],
      ['[[1,NaN]]', { code: 'BAD_JSON' }, /JSON has no NaN or Infinity/],
      ['"text"', { field: 'body' }, /must be a list/],
      ['null', { field: 'body' }, /must be a list/],
      ['{}', { field: 'rows' }, /give one of/],
      ['{"row": [1,2], "rows": []}', { field: 'rows' }, /give one of/],
      ['{"rows": 3}', { field: 'rows' }, /must be a list/],
      ['{"row": [1,2], "proba": 1}', { field: 'proba' }, /true or false/],
      ['{"__proto__": [1,2]}', { field: '__proto__' }, /no such field/],
      ['{"rooms": 1}', { field: 'rooms' }, /a row by column names is/],
      [[[1, 2], [1]], { code: 'MLML_BAD_DATA', row: 1 }, /has 1 values; the model has 2 features/],
      ['[[1,1e999]]', { row: 0, column: 'constructor=yes', value: 'Infinity' }, /not a finite number/],
      [[[1, '2']], { row: 0, column: 'constructor=yes', value: '"2"' }, /not a number/],
      [
        [{ rooms: 'many', constructor: 'no' }],
        { row: 0, column: 'rooms', value: '"many"' },
        /"many" is not a number/,
      ],
      [[{ rooms: 1 }], { row: 0, column: 'constructor' }, /column constructor is not there/],
      [
        '[{"rooms": 1, "constructor": "a", "__proto__": {"house": 5}}, 3]',
        { row: 1, value: '3' },
        /3 is not a row/,
      ],
      [
        [{ rooms: 1, constructor: 'a', house: { a: 1 } }],
        { row: 0, column: 'house', value: 'an object' },
        /is not a value/,
      ],
    ];
    for (const [body, details, message] of cases) {
      const { status, json } = await post(predict, body);
      assert.equal(status, 400, JSON.stringify(body));
      assert.match(json.error.message, message);
      for (const [name, value] of Object.entries(details))
        assert.equal(json.error[name], value, JSON.stringify(body));
    }
    for (const query of ['?probability=1', '?proba=yes', '?__proto__=1']) {
      const { status, json } = await post(predict + query, [[1, 2]]);
      assert.equal(status, 400);
      assert.match(json.error.message, /^\?/);
    }
    // It goes on as if nothing had been.
    assert.equal((await post(predict, [[2, 1]])).status, 200);
  });

  test('bytes that are no UTF-8, deep nesting, keys of all objects', async (t) => {
    const { predict } = await served(t);
    const bytes = await ask(predict, { method: 'POST', body: Uint8Array.of(0x22, 0xff, 0x22) as never });
    assert.deepEqual([bytes.status, bytes.json.error.message], [400, 'the body is not UTF-8']);
    const deep = await post(predict, `${'['.repeat(40_000)}${']'.repeat(40_000)}`);
    assert.equal(deep.status, 400);
    const polluted = await post(
      predict,
      '[{"__proto__": {"class": 9}, "constructor": {"prototype": {"x": 1}}}]',
    );
    assert.equal(polluted.status, 400);
    assert.equal(({} as Record<string, unknown>)['class'], undefined);
  });

  test('other paths, methods and media types', async (t) => {
    const { url, predict } = await served(t);
    const missing = await ask(`${url}/nothing`);
    assert.deepEqual([missing.status, missing.json.error.code], [404, 'NOT_FOUND']);
    assert.equal((await ask(`${url}/__proto__`)).status, 404);
    const method = await ask(predict);
    assert.deepEqual([method.status, method.headers.get('allow')], [405, 'POST']);
    assert.equal((await ask(`${url}/health`, { method: 'DELETE' })).headers.get('allow'), 'GET, HEAD');
    for (const headers of [
      { 'content-type': 'text/csv' },
      { 'content-type': 'application/json; charset=latin1' },
      { 'content-encoding': 'gzip' },
    ] as Record<string, string>[])
      assert.equal((await post(predict, [[1, 2]], headers)).status, 415);
    assert.equal(
      (await post(predict, [[1, 2]], { 'content-type': 'application/json; charset=UTF-8' })).status,
      200,
    );
    const head = await ask(`${url}/health`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
  });
});

describe('limits', () => {
  test('bodies and rows beyond are 413, announced or not', async (t) => {
    const { server, predict } = await served(t, plain, { maxBodyBytes: 1000, maxRows: 20 });
    const long = `[[1,2]${' '.repeat(3e6)}]`;
    const announced = await post(predict, long);
    assert.deepEqual([announced.status, announced.headers.get('connection')], [413, 'close']);
    assert.equal((await post(predict, `[[1,2]${' '.repeat(2000)}]`)).headers.get('connection'), 'keep-alive');
    assert.match(announced.json.error.message, /longer than 1000 bytes \(--max-body\)/);
    const chunked = new RawConnection(server.port);
    chunked.send(predictHead('transfer-encoding: chunked'));
    for (let i = 0; i < 3; i++) chunked.send(`200\r\n${' '.repeat(512)}\r\n`);
    assert.match(await chunked.closed, /^HTTP\/1.1 413 .*longer than 1000 bytes/s);
    const rows = await post(predict, new Array(21).fill([1, 2]));
    assert.deepEqual(
      [rows.status, rows.json.error.message],
      [413, '21 rows are too many; send at most 20 at a time (--max-rows)'],
    );
    // Beyond what any client would send, without being read to the end.
    const huge = new RawConnection(server.port);
    huge.send(predictHead('content-length: 1000000000000'));
    huge.send(' '.repeat(100_000));
    assert.match(await huge.closed, /^HTTP\/1.1 413 /);
  });

  test('a client that waits to be told to go on is refused before it sends', async (t) => {
    const { server } = await served(t, plain, { maxBodyBytes: 1000 });
    const refused = new RawConnection(server.port);
    refused.send(predictHead('content-length: 2000\r\nexpect: 100-continue'));
    assert.match(await refused.closed, /^HTTP\/1.1 413 /);
    const welcome = new RawConnection(server.port);
    welcome.send(predictHead('content-length: 5\r\nexpect: 100-continue'));
    await welcome.until(/^HTTP\/1.1 100 Continue\r\n\r\n/);
    welcome.send('[2,1]');
    assert.match(await welcome.until(/"more"/), /HTTP\/1.1 200 OK/);
    welcome.socket.destroy();
  });

  test('an answer that would be too long is refused', async (t) => {
    const many = 500;
    const wide: LinearModel = {
      ...plain,
      loss: 'softmax',
      k: many,
      weights: new Float64Array(2 * many),
      intercept: new Float64Array(many),
      classNames: [],
    };
    const { predict } = await served(t, wide, { maxBodyBytes: 4000 });
    assert.equal((await post(`${predict}?proba=1`, new Array(2).fill([1, 2]))).status, 200);
    const { status, json } = await post(`${predict}?proba=1`, new Array(3).fill([1, 2]));
    assert.equal(status, 413);
    assert.match(json.error.message, /the answer to 3 rows with probabilities is too long; send at most 2/);
    assert.equal((await post(predict, new Array(300).fill([1, 2]))).status, 200);
  });

  test('bodies that do not come are timed out; their bytes are free again', async (t) => {
    const { server, url } = await served(t, plain, { maxBodyBytes: 100_000, timeoutMs: 400 });
    const slow = Array.from({ length: 3 }, () => new RawConnection(server.port));
    const drip = setInterval(() => {
      for (const each of slow) if (each.socket.writable) each.send(' ');
    }, 50);
    for (const each of slow) each.send(predictHead('content-length: 50000'));
    const silent = new RawConnection(server.port);
    silent.send('POST /predict HTTP/1.1\r\nhost: te');
    for (const text of await Promise.all(slow.map((each) => each.closed)))
      assert.match(text, /^HTTP\/1.1 408 /);
    assert.match(await silent.closed, /^(HTTP\/1.1 408 .*|)$/s);
    clearInterval(drip);
    const { text } = await ask(`${url}/metrics`);
    assert.match(text, /^mlml_held_bytes 0$/m);
    assert.match(text, /^mlml_requests_in_flight 0$/m);
  });

  test('more bodies at a time than there is room for get 503, and fit later', async (t) => {
    const { server, predict } = await served(t, plain, { maxBodyBytes: 10_000, timeoutMs: 20_000 });
    const waiting = Array.from({ length: 17 }, () => new RawConnection(server.port));
    for (const each of waiting) each.send(`${predictHead('content-length: 10000')}[[1,2]${' '.repeat(9900)}`);
    const full = await Promise.any(waiting.map((each) => each.until(/\r\n\r\n.*\n/s)));
    assert.match(full, /^HTTP\/1.1 503 .*retry-after: 1/is);
    for (const each of waiting) each.send(' '.repeat(93));
    waiting[0]!.send(']');
    for (const each of waiting.slice(1)) each.socket.destroy();
    assert.match(await waiting[0]!.until(/"less"|503/), /HTTP\/1.1 /);
    waiting[0]!.socket.destroy();
    for (let time = 0; time < 100; time++) if ((await post(predict, [[2, 1]])).status === 200) return;
    assert.fail('it is still full');
  });

  test('what is no HTTP gets 400, heads that are too long 431', async (t) => {
    const { server, url } = await served(t);
    const nonsense = new RawConnection(server.port);
    nonsense.send('\x16\x03\x01 hello\r\n\r\n');
    assert.match(await nonsense.closed, /^HTTP\/1.1 400 Bad Request.*cannot be read/s);
    const long = new RawConnection(server.port);
    long.send(`GET /health HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
    assert.match(await long.closed, /^HTTP\/1.1 431 /);
    const smuggled = new RawConnection(server.port);
    smuggled.send(`${predictHead('content-length: 5\r\ntransfer-encoding: chunked')}0\r\n\r\n`);
    assert.match(await smuggled.closed, /^HTTP\/1.1 400 /);
    assert.equal((await ask(`${url}/health`)).json.status, 'ok');
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
