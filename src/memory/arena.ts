import { MlmlError } from '../errors.js';
import { layOut, type Region } from './plan.js';

const PAGE_BYTES = 65536;
/** wasm32 addresses end at 4 GiB. */
export const LARGEST_ARENA = 65536 * PAGE_BYTES - PAGE_BYTES;

/**
 * The one block of memory a job works in: a shared WebAssembly memory carved into the regions of its plan.
 * File reads land in it, kernels work on it in place. Pages never touched cost no resident memory.
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly bytes: number;
  readonly #offsets: Map<string, number>;
  readonly #sizes = new Map<string, number>();

  /** `memory`: that of an arena whose phase is over; regions that both layouts begin with keep their addresses. */
  constructor(regions: readonly Region[], memory?: WebAssembly.Memory) {
    const { offsets, totalBytes } = layOut(regions);
    if (totalBytes > LARGEST_ARENA) {
      throw new MlmlError(
        'MLML_USAGE',
        `an arena of ${totalBytes} bytes is larger than 4 GiB; use a smaller --buffer`,
      );
    }
    const pages = Math.ceil(totalBytes / PAGE_BYTES);
    if (memory !== undefined && memory.buffer.byteLength < pages * PAGE_BYTES) {
      throw new MlmlError('MLML_INTERNAL', `${totalBytes} bytes do not fit the memory of the job`);
    }
    this.memory = memory ?? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.bytes = totalBytes;
    this.#offsets = offsets;
    for (const region of regions) this.#sizes.set(region.name, region.bytes);
  }

  /** A memory of `bytes` bytes (less than 4 GiB) for arenas that are used one after the other. */
  static memory(bytes: number): WebAssembly.Memory {
    const pages = Math.min(Math.ceil(bytes / PAGE_BYTES), LARGEST_ARENA / PAGE_BYTES);
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  }

  get buffer(): SharedArrayBuffer {
    return this.memory.buffer as unknown as SharedArrayBuffer;
  }

  has(name: string): boolean {
    return this.#offsets.has(name);
  }

  /** Address of a region. */
  address(name: string): number {
    const offset = this.#offsets.get(name);
    if (offset === undefined) throw new MlmlError('MLML_INTERNAL', `the plan has no region '${name}'`);
    return offset;
  }

  byteLength(name: string): number {
    this.address(name);
    return this.#sizes.get(name)!;
  }

  uint8(name: string): Uint8Array {
    return new Uint8Array(this.buffer, this.address(name), this.byteLength(name));
  }
  uint32(name: string): Uint32Array {
    return new Uint32Array(this.buffer, this.address(name), this.byteLength(name) >>> 2);
  }
  int32(name: string): Int32Array {
    return new Int32Array(this.buffer, this.address(name), this.byteLength(name) >>> 2);
  }
  float32(name: string): Float32Array {
    return new Float32Array(this.buffer, this.address(name), this.byteLength(name) >>> 2);
  }
  float64(name: string): Float64Array {
    return new Float64Array(this.buffer, this.address(name), this.byteLength(name) >>> 3);
  }
}
