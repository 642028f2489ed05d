export * from './cholesky';
export * from './gather';
export * from './gram';
export { addCrossProduct, addProduct, packPanels } from './normalProduct';
export { scatterRows } from './scatter';
export { scores32, scores64 } from './scores';
export { adagradStep, adamStep, averageStep, gradient32, momentumStep, nesterovStep, softThreshold, softThresholdScaled } from './step';
export { softmaxSlopes } from './softmax';
export * from './tileFactor';
