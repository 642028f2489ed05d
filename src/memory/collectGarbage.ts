import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options?: { readonly type: 'minor'; readonly execution: 'sync' }) => void;

let collect: Collect | undefined;

/**
 * Frees buffers that nothing refers to any more. V8 counts only their small wrappers, so that without this, streams
 * that make a buffer per chunk hold tens of megabytes of dead ones. A minor collection takes well under a millisecond.
 */
export function collectGarbage(type: 'minor' | 'major'): void {
  if (collect === undefined) {
    // The function exists in contexts made after the flag was set.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
    setFlagsFromString('--no-expose-gc');
  }
  // Node 20 takes any options for a minor collection; without them it is a major one everywhere.
  if (type === 'minor') collect({ type, execution: 'sync' });
  else collect();
}
