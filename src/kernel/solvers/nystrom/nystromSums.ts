import { dtypeBytes } from '../../../arithmetic/dtype.js';
import { packedLength } from '../../../arithmetic/gram.js';
import { padded4, panelIndex } from '../../../arithmetic/normalProduct.js';
import { tileDtypeCodes } from '../../../arithmetic/tileProduct.js';
import type { CrossBlock } from '../../tiles/crossKernel.js';
import type { NystromProblem } from './nystromProblem.js';

/** Columns of one call: of the packing, of the Gram matrix, of the cross product. A multiple of 4. */
const STRIP = 32;

/**
 * Sums over blocks of rows of K_nm: K_mn·K_nm in `nystrom gram` (packed), K_mn·Y in `nystrom cross`, and the rows of
 * centres, which are K_mm, in `nystrom centers` (packed). All in doubles.
 */
export class NystromSums {
  readonly #problem: NystromProblem;

  constructor(problem: NystromProblem) {
    this.#problem = problem;
  }

  clear(): void {
    const { arena } = this.#problem.workspace;
    for (const name of ['nystrom gram', 'nystrom centers', 'nystrom cross']) arena.float64(name).fill(0);
  }

  /** Puts the columns of a block in their panels. When they are the last, true: the rows are complete. */
  pack(block: CrossBlock): boolean {
    const { workspace, size } = this.#problem;
    const panels = workspace.arena.address('nystrom panels');
    for (let c = 0; c < block.columns; c += STRIP) {
      workspace.threads.add(
        'packCross',
        block.address + c * dtypeBytes[block.dtype],
        tileDtypeCodes.indexOf(block.dtype),
        block.stride,
        block.rows,
        Math.min(STRIP, block.columns - c),
        panels + 8 * panelIndex(block.rows, 0, block.firstColumn + c),
      );
    }
    workspace.threads.run();
    return block.firstColumn + block.columns === size.m;
  }

  /** Adds complete rows; their targets lie in `nystrom targets`. */
  add(firstRow: number, rows: number): void {
    const { workspace, size } = this.#problem;
    const { arena, threads, kernels } = workspace;
    const { m, k } = size;
    const panels = arena.address('nystrom panels');
    const targets = arena.address('nystrom target panels');
    kernels.packPanels(arena.address('nystrom targets'), k, rows, k, targets, 0, rows);
    // Later rows of the triangle are longer: those first.
    const last = Math.floor((m - 1) / STRIP) * STRIP;
    for (let i = last; i >= 0; i -= STRIP) {
      threads.add('addGramRows', panels, rows, m, i, Math.min(m, i + STRIP), arena.address('nystrom gram'));
    }
    for (let i = 0; i < m; i += STRIP) {
      threads.add(
        'addCrossProduct',
        panels + 8 * panelIndex(rows, 0, i),
        padded4(Math.min(STRIP, m - i)) / 4,
        targets,
        padded4(k) / 4,
        rows,
        arena.address('nystrom cross') + 8 * i * padded4(k),
      );
    }
    threads.run();
    this.#keepCenters(firstRow, rows);
  }

  /** (K_mn·Y)[j][c]. */
  cross(j: number, c: number): number {
    const { workspace, size } = this.#problem;
    const first = j - (j % STRIP);
    const rows = padded4(Math.min(STRIP, size.m - first));
    const at = first * padded4(size.k) + panelIndex(rows, j - first, c);
    return workspace.arena.float64('nystrom cross')[at]!;
  }

  #keepCenters(firstRow: number, rows: number): void {
    const { workspace, centers } = this.#problem;
    const panels = workspace.arena.float64('nystrom panels');
    const kept = workspace.arena.float64('nystrom centers');
    for (const [i, row] of centers.entries()) {
      if (row < firstRow || row >= firstRow + rows) continue;
      for (let j = 0; j <= i; j++) kept[packedLength(i) + j] = panels[panelIndex(rows, row - firstRow, j)]!;
    }
  }
}
