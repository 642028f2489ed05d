/**
 * One fused epoch of shuffling on disk (each row read once, handed over in random order and scattered for the next
 * epoch) against dd writing and reading as many bytes, both bypassing the page cache.
 *
 *   node dist/bench/shuffle.js [--gb=4] [--buffer=64] [--runs=5] [--row=785] [--folder=<temporary folder>]
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadKernels } from '../src/arithmetic/kernels.js';
import { RowFile } from '../src/data/rowFile.js';
import { rowLayout } from '../src/data/rowLayout.js';
import { Arena } from '../src/memory/arena.js';
import { openRowStream } from '../src/ssgd/shuffle/rowStream.js';
import { planShuffle } from '../src/ssgd/shuffle/shufflePlan.js';
import { nodeStorage } from '../src/storage/nodeStorage.js';

const { values } = parseArgs({
  options: {
    gb: { type: 'string', default: '4' },
    buffer: { type: 'string', default: '64' },
    runs: { type: 'string', default: '5' },
    row: { type: 'string', default: '785' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const runs = Number(values.runs);
const rowBytes = Number(values.row);
const rows = Math.floor((Number(values.gb) * 1e9) / rowBytes);
const folder = await mkdtemp(join(values.folder, 'mlml-bench-'));

/** Seconds dd takes to write and to read the same number of bytes in requests of 1 MiB. */
function timeDd(): { write: number; read: number } {
  const path = join(folder, 'dd');
  const count = `count=${Math.round((rows * rowBytes) / 2 ** 20)}`;
  const time = (...operands: string[]) => {
    const start = performance.now();
    const { status, stderr } = spawnSync('dd', ['bs=1M', count, ...operands], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`dd failed: ${stderr}`);
    return (performance.now() - start) / 1000;
  };
  const write = time('if=/dev/zero', `of=${path}`, 'oflag=direct');
  const read = time(`if=${path}`, 'of=/dev/null', 'iflag=direct');
  return { write, read };
}

/** A raw row file; its contents do not matter to the time. */
async function writeRows(path: string): Promise<void> {
  const file = await nodeStorage.create(path);
  const piece = new Uint8Array(rowBytes * Math.ceil(2 ** 22 / rowBytes));
  for (let i = 0; i < piece.length; i++) piece[i] = Math.imul(i, 0x9e3779b9) >>> 24;
  const total = rows * rowBytes;
  for (let position = 0; position < total; position += piece.length) {
    await file.write(piece.subarray(0, Math.min(piece.length, total - position)), position);
  }
  await file.sync();
  await file.close();
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

try {
  const path = join(folder, 'rows');
  await writeRows(path);
  const plan = planShuffle({
    algo: 'external_shuffle',
    reshuffle: 'epoch',
    rows,
    rowBytes,
    epochs: runs + 1,
    bytes: Number(values.buffer) * 1e6,
  });
  console.log(plan.notes.join('; '));
  const file = await RowFile.open(nodeStorage, rowLayout(rowBytes - 1, 'uint8'), [{ path, rows }]);
  const arena = new Arena(plan.regions);
  const started = performance.now();
  const stream = await openRowStream(plan, file, arena, loadKernels(arena.memory), {
    storage: nodeStorage,
    scratchFolder: folder,
    seed: 1,
  });
  const seconds: number[] = [];
  const ddSeconds: number[] = [];
  try {
    console.log(`first scatter: ${((performance.now() - started) / 1000).toFixed(2)} s`);
    for (let epoch = 0; epoch < runs; epoch++) {
      const { write, read } = timeDd();
      ddSeconds.push(write + read);
      const start = performance.now();
      const cpu = process.cpuUsage();
      let count = 0;
      for await (const { from, to } of stream.epoch(epoch)) count += to - from;
      seconds.push((performance.now() - start) / 1000);
      const { user, system } = process.cpuUsage(cpu);
      if (count !== rows) throw new Error(`epoch ${epoch} gave ${count} of ${rows} rows`);
      console.log(
        `epoch ${epoch}: ${seconds.at(-1)!.toFixed(2)} s (processor ${(user / 1e6).toFixed(2)} s user, ` +
          `${(system / 1e6).toFixed(2)} s system); dd write ${write.toFixed(2)} s + read ${read.toFixed(2)} s`,
      );
    }
  } finally {
    await stream.close();
    await file.close();
  }
  const ratio = median(seconds) / median(ddSeconds);
  console.log(
    `shuffle: one fused epoch over ${values.gb} GB with ${values.buffer} MB: ${median(seconds).toFixed(2)} s, ` +
      `dd ${median(ddSeconds).toFixed(2)} s, ratio ${ratio.toFixed(2)} (goal at most 1.5); ` +
      `peak memory ${(process.resourceUsage().maxRSS / 1000).toFixed(0)} MB`,
  );
} finally {
  await nodeStorage.remove(folder);
}
