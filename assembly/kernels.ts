export { scatterRows } from './scatter';
