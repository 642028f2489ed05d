/**
 * Requests to `mlml serve` beside a bare node:http server that parses the JSON of a request and sends it back: single rows, by position and by
 * name, and batches of 100, over 1 connection (latency) and 16 (throughput). Each server is a process of its own; turns alternate, medians.
 * Also the processor time of the server for a request, which other work on the machine does not touch. Linux only.
 * `npm run bench -- serve [--seconds=2] [--runs=3]`
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FeatureColumn } from '../src/data/columns/columnMapping.js';
import { Random } from '../src/memory/random.js';
import { type Model, saveModel } from '../src/model/saveModel.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';
import { type Load, load } from './support/httpLoad.js';
import { argument, medianOf, printTable } from './support/report.js';
import { command } from './support/runMlml.js';

const D = 40;
const K = 3;
const folder = mkdtempSync(join(tmpdir(), 'mlml-bench-'));
const random = Random.of(4);
const names = Array.from({ length: D }, (_, j) => `x${j}`);
const missing = { fill: 0, indicator: false };
const model: Model = {
  task: 'classification',
  loss: 'softmax',
  d: D,
  k: K,
  scaling: { name: 'none', multiply: new Float64Array(D).fill(1), add: new Float64Array(D) },
  weights: Float64Array.from({ length: K * D }, () => random.normal()),
  intercept: new Float64Array(K),
  classNames: ['low', 'middle', 'high'],
  fingerprint: '',
  columns: {
    features: names.map((column): FeatureColumn => ({ column, kind: 'number', missing })),
    label: { column: 'y', kind: 'class' },
  },
};

const echo = `
  import { createServer } from 'node:http';
  const server = createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.from(JSON.stringify(JSON.parse(Buffer.concat(pieces).toString())));
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
      response.end(body);
    });
  });
  server.listen({ port: 0, host: '127.0.0.1' }, () => console.log(JSON.stringify({ port: server.address().port })));`;

/** Starts a server that tells its port in a line of JSON. */
async function start(args: readonly string[]): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout! })) {
    const { port } = JSON.parse(line) as { port: number };
    return { child, port };
  }
  throw new Error('the server did not start');
}

/** Seconds of processor time that a process has used; Linux counts them in hundredths. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const numbers = () => Array.from({ length: D }, () => Number(random.normal().toFixed(5)));
const row = numbers();
const requests: readonly (readonly [string, string])[] = [
  ['a row', JSON.stringify({ row })],
  ['a row, probabilities', JSON.stringify({ row, proba: true })],
  ['a row by names', JSON.stringify({ row: Object.fromEntries(names.map((name, j) => [name, row[j]])) })],
  ['100 rows', JSON.stringify({ rows: Array.from({ length: 100 }, numbers) })],
];

await saveModel(nodeStorage, join(folder, 'model'), model);
const servers = {
  mlml: await start([command, 'serve', 'model', '--port=0', '--json']),
  echo: await start(['--input-type=module', '-e', echo]),
};
try {
  const table = [['request', 'connections', 'server', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request']];
  const [runs, milliseconds] = [argument('runs', 3), 1000 * argument('seconds', 2)];
  for (const [what, body] of requests)
    for (const connections of [1, 16]) {
      const loads: Record<keyof typeof servers, (Load & { readonly cpu: number })[]> = { mlml: [], echo: [] };
      for (let run = 0; run <= runs; run++)
        for (const name of ['mlml', 'echo'] as const) {
          const { child, port } = servers[name];
          const before = cpuOf(child.pid!);
          const found = await load(port, body, connections, milliseconds);
          const cpu = (1e6 * (cpuOf(child.pid!) - before)) / found.requests;
          // The first is to warm up.
          if (run > 0) loads[name].push({ ...found, cpu });
        }
      const figure = (name: keyof typeof servers, of: keyof Load | 'cpu') =>
        medianOf(loads[name].map((one) => one[of]));
      for (const name of ['mlml', 'echo'] as const)
        table.push([
          what,
          String(connections),
          name,
          Math.round(figure(name, 'requestsPerSecond')).toLocaleString('en'),
          figure(name, 'p50').toFixed(2),
          figure(name, 'p99').toFixed(2),
          figure(name, 'cpu').toFixed(0),
        ]);
      const ratio = (of: 'requestsPerSecond' | 'cpu') => (figure('mlml', of) / figure('echo', of)).toFixed(2);
      table.push(['', '', 'mlml/echo', ratio('requestsPerSecond'), '', '', ratio('cpu')]);
    }
  printTable(`${D} features, ${K} classes`, table);
} finally {
  for (const { child } of Object.values(servers)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
