// A classifier from rows of PostgreSQL, read through a cursor: node examples/postgresRows.mjs postgres://user@host/database
// Needs the package pg: npm install pg
import { defaultOptions, importRows, nodeStorage, openDataset, train } from 'mlml';
import pg from 'pg';

const client = new pg.Client({ connectionString: process.argv[2] ?? process.env.DATABASE_URL });
await client.connect();
await client.query(`create temporary table visits as
  select i as id, i % 24 as hour, case when i % 5 = 0 then 'phone' else 'desk' end as device,
    case when i % 24 between 9 and 17 and i % 5 <> 0 then 'buys' else 'leaves' end as outcome
  from generate_series(1, 5000) as i`);

/** The rows of a query, a few hundred in memory at a time, however many there are. */
async function* rowsOf(query) {
  await client.query('begin');
  await client.query(`declare rows cursor for ${query}`);
  for (;;) {
    const { rows } = await client.query('fetch 500 from rows');
    if (rows.length === 0) break;
    yield* rows;
  }
  await client.query('commit');
}

const description = await importRows(nodeStorage, rowsOf('select * from visits order by id'), {
  out: 'visits',
  label: 'outcome',
  id: 'id',
  types: { hour: 'category' },
});
await client.end();
console.log(`${description.parts.train.n} rows to train on, classes ${description.classNames.join(' and ')}`);

const dataset = await openDataset(nodeStorage, 'visits');
const { test } = await train(
  'ssgd',
  dataset,
  { ...defaultOptions, bufferBytes: 1e6, loss: 'logistic', epochs: 10 },
  { storage: nodeStorage, scratchFolder: 'scratch' },
);
console.log(`accuracy on rows it has not seen: ${test.accuracy}`);
await dataset.close();
