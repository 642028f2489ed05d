export * from './cholesky';
export * from './gather';
export * from './gram';
export { addCrossProduct, addProduct, packPanels } from './normalProduct';
export { scatterRows } from './scatter';
