import { gather64Of, labelDtypeCodes } from '../../arithmetic/gather.js';
import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

/** Scores in double precision. */
export function scoreTasks({ kernels }: ThreadEnvironment): TaskTable {
  const gathers = labelDtypeCodes.map((dtype) => gather64Of(kernels, dtype));
  return {
    /** As the gather kernel of the dtype with that number in `labelDtypeCodes`. */
    gatherDoubles: (a) => gathers[a[0]!]!(a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!, a[7]!, a[8]!, a[9]!),
    /** As the kernel. */
    scoreDoubles: (a) => kernels.scores64(a[0]!, a[1]!, a[2]!, a[3]!, a[4]!, a[5]!, a[6]!),
  };
}
