import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask, post } from '../../test/support/httpClient.js';
import { served, table } from '../../test/support/servedModel.js';

describe('what is not well asked', () => {
  test('400 names the field', async (t) => {
    const { predict } = await served(t, table);
    const cases: readonly (readonly [unknown, Record<string, unknown>, RegExp])[] = [
      ['', { code: 'BAD_JSON' }, /empty/],
      ['[[1,2]', { code: 'BAD_JSON' }, /not JSON/],
      ['\n\0', { code: 'BAD_JSON' }, /^the body is not JSON: [^\n\0]+$/],
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
