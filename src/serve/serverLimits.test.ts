import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask, post, predictHead, RawConnection } from '../../test/support/httpClient.js';
import { plain, served } from '../../test/support/servedModel.js';
import type { LinearModel } from '../ssgd/linearModel.js';

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
