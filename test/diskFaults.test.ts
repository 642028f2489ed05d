import { describe, test } from 'node:test';
import { type Fault, sweep } from './support/diskFaults.js';
import { diskJobs, image } from './support/diskJobs.js';

/** The long suite (test/torture/diskFaults.test.ts) has every operation of every job, and all faults. */
const some: readonly Fault[] = ['fails', 'full from here', 'killed', 'power cut'];

describe('a disk that fails, fills up or loses power', () => {
  for (const job of diskJobs) {
    test(job.name, async (t) => {
      t.diagnostic(`${await sweep(image, job, some, 13)} cases`);
    });
  }
});
