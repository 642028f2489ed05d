/** What a worker thread of a linear job runs. Loaded by its path (see startThreads.ts): in the bundle a file of its own. */
import { serveArena } from '../threads/serveArena.js';
import { linearTasks } from './tasks/tasks.js';

serveArena(linearTasks);
