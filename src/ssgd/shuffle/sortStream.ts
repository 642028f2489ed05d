import type { RowBlock } from '../../data/rowBlock.js';
import type { Random } from '../../memory/random.js';
import type { Scratch } from '../../storage/scratch.js';
import { extraMerges } from './planSort.js';
import { ProportionalDraw } from './proportionalDraw.js';
import type { RowStream, StreamParts } from './rowStream.js';
import { ScratchFile } from './scratchFile.js';
import { EpochCounter, EventLoopTurn, shuffledOrder, shuffleRandom, type Traffic } from './streams.js';

/** Consecutive rows of a scratch file, in runs of `runRows` (the last one shorter). */
interface Runs {
  readonly file: ScratchFile;
  readonly runRows: number;
}

/**
 * External sort by random keys: runs that fit in memory are sorted, written, and merged. The keys are never drawn:
 * among independent keys of unlimited precision, the order inside a run is uniformly random and the smallest key
 * left lies in each run with probability proportional to the rows it has left. Runs are therefore shuffled and
 * merged by drawing runs in that proportion, which is the same order in distribution, without ties and without
 * room for keys.
 */
export class SortStream implements RowStream {
  readonly #parts: StreamParts;
  readonly #scratch: Scratch;
  readonly #files: readonly ScratchFile[];
  readonly #traffic: Traffic;
  readonly #epochs: EpochCounter;
  readonly #turn = new EventLoopTurn();
  readonly #order: Uint32Array;
  readonly #addresses: { readonly rows: number; readonly order: number; readonly output: number };

  private constructor(parts: StreamParts, scratch: Scratch, files: readonly ScratchFile[], traffic: Traffic) {
    const { arena } = parts;
    this.#parts = parts;
    this.#scratch = scratch;
    this.#files = files;
    this.#traffic = traffic;
    this.#epochs = new EpochCounter(parts.plan.epochs, parts.context.start);
    this.#order = arena.uint32('shuffle order');
    this.#addresses = {
      rows: arena.address('shuffle rows'),
      order: arena.address('shuffle order'),
      output: arena.address('shuffle output'),
    };
    // Rows are gathered by scattering them to one bucket, the output.
    arena.uint32('shuffle draws').fill(0);
  }

  get bytesRead(): number {
    return this.#traffic.bytesRead;
  }
  get bytesWritten(): number {
    return this.#traffic.bytesWritten;
  }

  static async open(parts: StreamParts, scratch: Scratch): Promise<SortStream> {
    const { plan, arena } = parts;
    const traffic = { bytesRead: 0, bytesWritten: 0 };
    const files: ScratchFile[] = [];
    const count = extraMerges(plan.rows, plan.capacity, plan.fanIn) > 0 ? 2 : 1;
    for (let i = 0; i < count; i++) {
      const file = await scratch.create(`runs${i}.rows`, {});
      files.push(new ScratchFile(file, arena.buffer, plan.background, traffic));
    }
    return new SortStream(parts, scratch, files, traffic);
  }

  async *epoch(epoch: number, fromRow = 0): AsyncGenerator<RowBlock> {
    this.#epochs.take(epoch);
    const { plan, context } = this.#parts;
    await this.#writeRuns(epoch);
    const random = shuffleRandom(context.seed, 'merge', epoch);
    let from: Runs = { file: this.#files[0]!, runRows: plan.capacity };
    let target = 1;
    while (Math.ceil(plan.rows / from.runRows) > plan.fanIn) {
      from = await this.#mergeRuns(from, this.#files[target]!, random);
      target = 1 - target;
    }
    let skip = fromRow;
    for await (const count of this.#merge(from, 0, plan.rows, random)) {
      if (skip < count) yield { base: this.#addresses.output, order: 0, from: skip, to: count };
      skip = Math.max(0, skip - count);
    }
  }

  /** Reads the row file in pieces that fit in memory, shuffles each, and writes it as a run. */
  async #writeRuns(epoch: number): Promise<void> {
    const { plan, file, arena, context } = this.#parts;
    const random = shuffleRandom(context.seed, 'order', epoch);
    const memory = arena.uint8('shuffle rows');
    for (let first = 0; first < plan.rows; first += plan.capacity) {
      context.signal?.throwIfAborted();
      const count = Math.min(plan.capacity, plan.rows - first);
      await file.readRows(memory, first, count);
      this.#traffic.bytesRead += count * plan.rowBytes;
      shuffledOrder(this.#order, count, random);
      for (let from = 0; from < count; from += plan.segmentRows) {
        const rows = Math.min(plan.segmentRows, count - from);
        this.#gather(from, rows, 0);
        await this.#writeOutput(this.#files[0]!, first + from, rows);
      }
    }
  }

  /** Copies rows `order[from..from + count)` behind the first `already` rows of the output. */
  #gather(from: number, count: number, already: number): void {
    const { plan, arena, kernels } = this.#parts;
    const cursors = arena.uint32('shuffle cursors');
    cursors[0] = this.#addresses.output + already * plan.rowBytes;
    cursors[1] = 0xffffffff;
    const address = arena.address('shuffle cursors');
    const { rows, order } = this.#addresses;
    const draws = arena.address('shuffle draws');
    kernels.scatterRows(rows, plan.rowBytes, order + 4 * from, draws, 0, count, address, address + 4);
  }

  async #writeOutput(file: ScratchFile, firstRow: number, count: number): Promise<void> {
    const { rowBytes } = this.#parts.plan;
    await this.#turn.due();
    await file.write(this.#addresses.output, count * rowBytes, firstRow * rowBytes);
  }

  /** Merges groups of as many runs as memory allows; each group becomes one run of the other file. */
  async #mergeRuns(from: Runs, file: ScratchFile, random: Random): Promise<Runs> {
    const { plan } = this.#parts;
    const runRows = from.runRows * plan.fanIn;
    for (let first = 0; first < plan.rows; first += runRows) {
      let row = first;
      for await (const count of this.#merge(from, first, Math.min(plan.rows, first + runRows), random)) {
        await this.#writeOutput(file, row, count);
        row += count;
      }
    }
    return { file, runRows };
  }

  /** Merges the runs that hold rows [first, end); yields how many merged rows lie in the output. */
  async *#merge(from: Runs, first: number, end: number, random: Random): AsyncGenerator<number> {
    const { plan, arena, context } = this.#parts;
    const { file, runRows } = from;
    const runs = Math.ceil((end - first) / runRows);
    const bufferRows = Math.floor(plan.capacity / runs);
    const table = arena.uint32('shuffle tables');
    const taken = table.subarray(0, runs);
    const inBuffer = table.subarray(runs, 2 * runs);
    const draw = new ProportionalDraw(table.subarray(2 * runs, 2 * runs + ProportionalDraw.words(runs)));
    const runStart = (run: number) => Math.min(end - first, run * runRows);
    draw.fill(runs, runStart);
    const fill = (run: number) => {
      const left = runStart(run + 1) - runStart(run) - taken[run]!;
      inBuffer[run] = Math.min(bufferRows, left);
      const address = this.#addresses.rows + run * bufferRows * plan.rowBytes;
      const position = (first + runStart(run) + taken[run]!) * plan.rowBytes;
      return file.read(address, inBuffer[run]! * plan.rowBytes, position);
    };
    for (let run = 0; run < runs; run++) {
      taken[run] = 0;
      await fill(run);
    }
    let merged = 0;
    let drawn = 0;
    while (draw.remaining > 0) {
      const run = draw.draw(random);
      const at = taken[run]! % bufferRows;
      this.#order[drawn++] = run * bufferRows + at;
      taken[run]!++;
      const empty = at + 1 === inBuffer[run]!;
      const full = merged + drawn === plan.segmentRows || draw.remaining === 0;
      if (!empty && !full) continue;
      this.#gather(0, drawn, merged);
      merged += drawn;
      drawn = 0;
      if (empty && taken[run]! < runStart(run + 1) - runStart(run)) await fill(run);
      if (!full) continue;
      await this.#turn.due();
      context.signal?.throwIfAborted();
      yield merged;
      merged = 0;
    }
  }

  async close(): Promise<void> {
    await this.#scratch.close();
  }
}
