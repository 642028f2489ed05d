import { getHeapStatistics } from 'node:v8';
import { collectGarbage } from './collectGarbage.js';

const usedBytes = () => {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
};

/**
 * A look at the heap, to be taken often: when it has grown by half of `allowedBytes` since the last collection, dead memory is freed. By
 * itself the engine lets a multiple of what is alive gather before. Young memory is freed first, which takes a fraction of a
 * millisecond; when that leaves more than half of `allowedBytes` above the least there was, all of it is, which takes many.
 */
export function heapWatch(allowedBytes: number): () => void {
  const half = allowedBytes / 2;
  let smallest = usedBytes();
  let last = smallest;
  return () => {
    const used = usedBytes();
    if (used < last) last = used;
    if (used <= last + half) return;
    collectGarbage('minor');
    last = usedBytes();
    if (last > smallest + half) {
      collectGarbage('major');
      last = usedBytes();
      smallest = last;
    } else smallest = Math.min(smallest, last);
  };
}
