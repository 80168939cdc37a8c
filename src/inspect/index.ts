export { type PageInspector, type PageInspectorOptions, pageInspector } from './page-inspector.ts';
export { sanitized } from './sanitize.ts';
export { type StatelyInspector, type StatelyInspectorOptions, statelyInspector } from './stately-inspector.ts';
