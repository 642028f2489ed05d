export * from './gather';
export { scatterRows } from './scatter';
