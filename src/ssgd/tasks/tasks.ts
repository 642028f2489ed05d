import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';
import { gramTasks } from './gramTasks.js';
import { panelTasks } from './panelTasks.js';

/** What every thread of a linear job is told at its start. Plain data. */
export type LinearSetup = Readonly<Record<string, never>>;

/** The tasks of linear jobs. */
export function linearTasks(environment: ThreadEnvironment, _setup: LinearSetup): TaskTable {
  return { ...gramTasks(environment), ...panelTasks(environment) };
}
