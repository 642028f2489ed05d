import { getHeapStatistics } from 'node:v8';
import { collectGarbage } from './collectGarbage.js';

const usedBytes = () => {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
};

/**
 * A look at the heap, to be taken often: when it has grown by `allowedBytes` since the last collection, dead memory is freed. By
 * itself the engine lets a multiple of what is alive gather before.
 */
export function heapWatch(allowedBytes: number): () => void {
  let smallest = usedBytes();
  return () => {
    const used = usedBytes();
    if (used > smallest + allowedBytes) {
      collectGarbage('major');
      smallest = usedBytes();
    } else smallest = Math.min(smallest, used);
  };
}
