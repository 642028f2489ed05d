import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';
import type { HogwildSetup } from '../sgd/hogwildThread.js';
import { gramTasks } from './gramTasks.js';
import { hogwildTasks } from './hogwildTasks.js';
import { panelTasks } from './panelTasks.js';
import { scoreTasks } from './scoreTasks.js';
import { slotTasks } from './slotTasks.js';
import { stepTasks } from './stepTasks.js';

/** What every thread of a linear job is told at its start. Plain data. */
export interface LinearSetup {
  /** Of hsgd. */
  readonly hogwild?: HogwildSetup;
}

/** The tasks of linear jobs. */
export function linearTasks(environment: ThreadEnvironment, { hogwild }: LinearSetup): TaskTable {
  return {
    ...gramTasks(environment),
    ...panelTasks(environment),
    ...scoreTasks(environment),
    ...slotTasks(environment),
    ...stepTasks(environment),
    ...(hogwild === undefined ? {} : hogwildTasks(environment, hogwild)),
  };
}
