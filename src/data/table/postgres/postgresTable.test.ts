import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Client } from 'pg';
import { cellsOf } from '../../../../test/support/cellsOf.js';
import { listTable } from '../../../../test/support/listTable.js';
import { unlessInstalled } from '../../../../test/support/optionalPackages.js';
import {
  type PostgresServer,
  startPostgres,
  withoutPostgres,
} from '../../../../test/support/postgresServer.js';
import { temporaryFolder } from '../../../../test/support/temporaryFolder.js';
import { nodeStorage } from '../../../storage/nodeStorage.js';
import { importTable } from '../importTable.js';
import type { TableSource } from '../tableSource.js';
import { openPostgresTable, type PostgresOptions } from './postgresTable.js';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('tables of PostgreSQL', { skip: withoutPostgres || unlessInstalled('pg') }, () => {
  let server: PostgresServer;
  let client: Client;
  before(async () => {
    server = startPostgres(await freePort());
    const pg = await import('pg');
    client = new pg.default.Client({ connectionString: server.address });
    await client.connect();
  });
  after(async () => {
    await client.end();
    server.stop();
  });
  const using = async (options: PostgresOptions, work: (table: TableSource) => Promise<void>) => {
    const table = await openPostgresTable(server.address, { bufferBytes: 1e6, ...options });
    try {
      await work(table);
    } finally {
      await table.close();
    }
  };
  const fails = async (options: PostgresOptions, code: string, message: RegExp) =>
    await assert.rejects(
      using(options, async (table) => void (await cellsOf(table))),
      (error: Error & { code: string }) => {
        assert.deepEqual([error.code, error.message.includes('secret')], [code, false], error.message);
        assert.match(error.message, message);
        return true;
      },
    );

  test('values of every type, and missing ones', async () => {
    await client.query(`CREATE SCHEMA "odd one"; CREATE TABLE "odd one"."T" AS SELECT 1::smallint AS small, 9007199254740993 AS big, 12345678901 AS wide, -2.50::numeric AS price,
      0.1::double precision AS x, 'Infinity'::real AS far, true AS yes, date '2026-11-25' AS day, timestamp '1969-12-31 23:59:59.5' AS at,
      timestamptz '2026-01-01 00:00:00+02' AS zoned, date 'infinity' AS never, date '0044-03-15 BC' AS ides, 'grüß'::text AS word, 'c'::char(3) AS letters,
      '{"a":1}'::jsonb AS json, ARRAY[1,2] AS list, '\\x00'::bytea AS bytes;
      INSERT INTO "odd one"."T" (small) VALUES (NULL)`);
    await using({ table: 'odd one.T' }, async (table) => {
      const type = (name: string) => table.types[table.columns.indexOf(name)];
      assert.deepEqual(['big', 'yes', 'zoned', 'word'].map(type), ['number', 'boolean', 'date', 'text']);
      for await (const batch of table.batches()) {
        const cells = (row: number) =>
          Object.fromEntries(table.columns.slice(0, -2).map((name, i) => [name, batch.cell(row, i)]));
        assert.deepEqual(cells(0), {
          small: 1,
          big: 9007199254740993n,
          wide: 12345678901,
          price: -2.5,
          x: 0.1,
          far: Infinity,
          yes: true,
          day: new Date('2026-11-25'),
          at: new Date('1969-12-31T23:59:59.5Z'),
          zoned: new Date('2025-12-31T22:00:00Z'),
          never: 'infinity',
          ides: '0044-03-15 BC',
          word: 'grüß',
          letters: 'c  ',
          json: '{"a": 1}',
        });
        assert.deepEqual(new Set(Object.values(cells(1))), new Set([undefined]));
        assert.equal(batch.numberAt!(0, table.columns.indexOf('price')), -2.5);
        assert.equal(batch.numberAt!(0, table.columns.indexOf('big')), undefined);
        assert.throws(() => batch.cell(0, table.columns.indexOf('list')), {
          code: 'MLML_BAD_DATA',
          message:
            `postgres://mlml@127.0.0.1:${server.port}/postgres: odd one.T: row 1, column list: is an array (integer[]), no single value: ` +
            '--drop=list leaves it out, or choose what of it counts with --query="SELECT "list"[1], … FROM …"',
        });
      }
    });
  });

  test('a table is the same data set as its CSV, and a query gives some of it', async (t) => {
    const folder = temporaryFolder(t);
    await client.query(`CREATE TABLE trips AS SELECT i AS id, (i * 7919 % 1000) / 8.0::double precision AS x, CASE WHEN i % 11 <> 0 THEN i % 13 END AS part,
      i % 3 = 0 AS flag, date '2026-01-01' + i % 500 AS day, (ARRAY['York', 'Bath', 'Wells', NULL])[1 + i % 4] AS town, (i * 31 % 97) / 4.0::numeric(9, 2) AS fare FROM generate_series(0, 4999) i`);
    const { rows } = await client.query({
      text: 'SELECT * FROM trips',
      rowMode: 'array',
      types: { getTypeParser: () => String },
    });
    const texts = listTable(
      ['id', 'x', 'part', 'flag', 'day', 'town', 'fare'],
      (rows as unknown as (string | null)[][]).map((row) => row.map((value) => value ?? '')),
      { batchRows: 700 },
    );
    const options = { label: 'fare', drop: ['id'], bufferBytes: 1e6 };
    const expected = await importTable(nodeStorage, texts, { ...options, out: join(folder, 'csv') });
    await using({ table: 'trips' }, async (table) => {
      const found = await importTable(nodeStorage, table, { ...options, out: join(folder, 'table') });
      assert.equal(found.fingerprint, expected.fingerprint);
      const { files } = found.source;
      assert.equal(files[0]!.name, `postgres://mlml@127.0.0.1:${server.port}/postgres: trips`);
      assert.match(files[0]!.sha256, /^[0-9a-f]{64}$/);
    });
    await using(
      { sql: "SELECT x, fare FROM trips WHERE town = 'York' ORDER BY id DESC; " },
      async (table) => {
        const some = await cellsOf(table);
        assert.equal(some.length, 1250);
        // (4996 · 7919) mod 1000 and (4996 · 31) mod 97.
        assert.deepEqual(some[0], [324 / 8, 64 / 4]);
      },
    );
  });

  test('all passes see the same moment', async () => {
    await client.query('CREATE TABLE growing AS SELECT i FROM generate_series(1, 1000) i');
    await using({ table: 'growing' }, async (table) => {
      assert.equal((await cellsOf(table)).length, 1000);
      await client.query('INSERT INTO growing VALUES (5)');
      for await (const batch of table.batches()) {
        assert.equal(batch.rows, 16);
        break;
      }
      assert.equal((await cellsOf(table)).length, 1000);
    });
  });

  test('what cannot be read is told in one line, without the password', async () => {
    await fails({ table: 'nothing' }, 'MLML_USAGE', /postgres: nothing: relation "nothing" does not exist$/);
    await fails({ sql: 'SELECT a, 1 AS a FROM (SELECT 1 AS a) t' }, 'MLML_USAGE', /two columns are named a/);
    await fails({ sql: 'SELECT 1 AS a; DROP TABLE trips' }, 'MLML_USAGE', /syntax error at or near ";"$/);
    await fails(
      { sql: 'SELECT 1 / (i - 20) AS a FROM generate_series(1, 30) i' },
      'MLML_BAD_DATA',
      /division by zero/,
    );
    await fails(
      { sql: "SELECT repeat('x', 300000) AS a" },
      'MLML_BAD_DATA',
      /row 1: takes 300 kB, more than 262 kB/,
    );
    await using({ sql: 'SELECT random() AS a' }, async (table) => {
      await cellsOf(table);
      await assert.rejects(cellsOf(table), { code: 'MLML_BAD_DATA', message: /gives other rows each time/ });
    });
    const other = `postgres://me:secret@127.0.0.1:${await freePort()}/x`;
    await assert.rejects(openPostgresTable(other, { table: 't' }), {
      code: 'MLML_IO',
      message: /^postgres:\/\/me@127.0.0.1:\d+\/x: t: cannot be reached: connect ECONNREFUSED/,
    });
  });

  test('a pass that is interrupted, or whose server ends the connection, is an error', async () => {
    const interruption = new AbortController();
    const reason = new Error('enough');
    await using({ sql: 'SELECT pg_sleep(600), 1 AS a' }, async (table) => {
      setTimeout(() => interruption.abort(reason), 100);
      await assert.rejects(async () => {
        for await (const _ of table.batches(interruption.signal));
      }, reason);
    });
    await using({ sql: 'SELECT i AS a FROM generate_series(1, 1000000) i' }, async (table) => {
      await assert.rejects(
        async () => {
          for await (const _ of table.batches())
            await client.query(
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mlml'",
            );
        },
        { code: 'MLML_IO', message: /: (terminating connection due to|the connection was closed \()/ },
      );
    });
  });

  test('a connection that is lost between two questions, or in one, is told as such', async () => {
    const sockets: Socket[] = [];
    const proxy = createServer((socket) => {
      const other = connect(server.port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => {}).pipe(other);
      other.on('error', () => {}).pipe(socket);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => proxy.once('listening', resolve));
    const address = server.address.replace(
      String(server.port),
      String((proxy.address() as AddressInfo).port),
    );
    for (const wait of [true, false]) {
      const table = await openPostgresTable(address, {
        sql: 'SELECT i AS a FROM generate_series(1, 100000) i',
      });
      await assert.rejects(
        async () => {
          for await (const _ of table.batches()) {
            for (const socket of sockets) socket.resetAndDestroy();
            if (wait) await new Promise((resolve) => setTimeout(resolve, 50));
          }
        },
        {
          code: 'MLML_IO',
          message: /: the connection was closed \(.*(ECONNRESET|EPIPE|terminated|not queryable)/,
        },
      );
      await table.close();
    }
    proxy.close();
  });
});
