import { describe, test } from 'node:test';
import { faults, sweep } from '../support/diskFaults.js';
import { diskJobs, image } from '../support/diskJobs.js';

describe('a disk that fails, fills up or loses power, at each operation of each job', () => {
  for (const job of diskJobs) {
    for (const fault of faults) {
      test(`${job.name}: ${fault}`, { timeout: 3_600_000 }, async (t) => {
        t.diagnostic(`${await sweep(image, job, [fault])} cases`);
      });
    }
  }
});
