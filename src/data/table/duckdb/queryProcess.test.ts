import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { unlessInstalled } from '../../../../test/support/optionalPackages.js';
import { isAlive, isGone } from '../../../../test/support/processes.js';
import { temporaryFolder } from '../../../../test/support/temporaryFolder.js';
import { oneLine, QUERY_BYTES, QueryProcess, type QueryProcessOptions } from './queryProcess.js';

const skip = unlessInstalled('@duckdb/node-api');

async function open(test: TestContext, changes: Partial<QueryProcessOptions> = {}): Promise<QueryProcess> {
  const opened = await QueryProcess.open({
    name: 't',
    queryBytes: QUERY_BYTES,
    temporaryFolder: join(temporaryFolder(test), 'spilled'),
    longestRow: 1e6,
    setup: [],
    ...changes,
  });
  test.after(() => opened.close());
  return opened;
}

describe('the process that runs DuckDB', { skip }, () => {
  test('ends itself when it takes too much memory, and its size is told', async (t) => {
    await assert.rejects(
      async () => {
        const running = await open(t, { queryBytes: 50e6 });
        await running.ask('SELECT count(*) FROM range(1000000000000)');
      },
      {
        code: 'MLML_BUDGET_TOO_SMALL',
        message:
          /^t: the process that reads it took \d+(\.\d)? MB; --query-memory is 50.0MB: give it more, or read fewer columns$/,
      },
    );
    const running = await open(t);
    await assert.rejects(running.ask('SELECT list(i) FROM range(100000000) t(i)'), {
      code: 'MLML_BUDGET_TOO_SMALL',
      message: /^t: (DuckDB needs more \(Out of Memory Error: .*\)|the process .*); --query-memory is 280MB/,
    });
  });

  test('sorts more than its memory on disk', async (t) => {
    const folder = join(temporaryFolder(t), 'spilled');
    const running = await open(t, { queryBytes: 190e6, temporaryFolder: folder });
    let rows = 0;
    let last = -1;
    let spilled = false;
    const request = {
      rows: "SELECT i::DOUBLE, i::VARCHAR || ' and so on' FROM (SELECT i, hash(i) AS h FROM range(4000000) t(i)) ORDER BY h",
      columns: ['doubles', 'texts'] as const,
    };
    for await (const { kind, payload } of running.rows(request)) {
      if (kind !== 2) break;
      spilled ||= existsSync(folder);
      rows += new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
      last = kind;
    }
    assert.deepEqual([rows, last, spilled], [4000000, 2, true]);
  });

  test('a process that is killed is one error', async (t) => {
    const running = await open(t);
    const answer = running.ask('SELECT count(*) FROM range(1000000000000)');
    process.kill(running.pid!, 'SIGKILL');
    await assert.rejects(answer, {
      code: 'MLML_IO',
      message:
        't: the process that reads it through DuckDB was ended by SIGKILL; if the system was short of memory, give it less than --query-memory=280MB',
    });
    await running.close();
    assert.equal(isAlive(running.pid!), false);
  });

  test('an interruption ends it, whatever it is doing', async (t) => {
    const interruption = new AbortController();
    const running = await open(t, { signal: interruption.signal });
    const answer = running.ask('SELECT count(*) FROM range(1000000000000)');
    const reason = new Error('enough');
    interruption.abort(reason);
    await assert.rejects(answer, reason);
    assert.equal(await isGone(running.pid!), true);
    await assert.rejects(open(t, { signal: interruption.signal }), reason);
  });

  test('signals of the terminal do not end it', async (t) => {
    const running = await open(t);
    process.kill(running.pid!, 'SIGINT');
    assert.deepEqual(await running.ask('SELECT 1, NULL, 2.5'), [['1', null, '2.5']]);
  });

  test('it ends with the process that started it, however that ends, also in the middle of a query', async (t) => {
    const folder = temporaryFolder(t);
    const script = `
      import { QueryProcess } from '${new URL('./queryProcess.js', import.meta.url).href}';
      const opened = await QueryProcess.open({ name: 't', queryBytes: 280e6, temporaryFolder: '${folder}/s', longestRow: 1e6, setup: [] });
      console.log(opened.pid);
      const rows = { rows: 'SELECT i::DOUBLE FROM range(1000000000000) t(i)', columns: ['doubles'] };
      if (process.argv[1] === 'rows') for await (const frame of opened.rows(rows)) await new Promise(() => setInterval(() => {}, 1e6));
      if (process.argv[1] === 'exit') { setTimeout(() => process.exit(0), 100); }
      await opened.ask('SELECT count(*) FROM range(1000000000000)');`;
    for (const how of ['rows', 'ask', 'exit']) {
      const parent = spawn(process.execPath, ['--input-type=module', '-e', script, how], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(parent, 'exit');
      const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
      const pid = Number(line.toString());
      assert.equal(isAlive(pid), true);
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (how !== 'exit') parent.kill('SIGKILL');
      await exited;
      assert.equal(await isGone(pid), true, how);
    }
  });
});

test('what DuckDB says becomes one line', () => {
  assert.equal(
    oneLine(
      'Binder Error: Referenced column "x" not found!\nCandidate bindings: "y"\n\nLINE 1: SELECT x\n               ^',
    ),
    'Binder Error: Referenced column "x" not found!; Candidate bindings: "y"',
  );
  assert.equal(
    oneLine('Out of Memory Error: no\n\nPossible solutions:\n* Reducing'),
    'Out of Memory Error: no',
  );
});
