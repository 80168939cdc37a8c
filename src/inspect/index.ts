export { type PageInspector, type PageInspectorOptions, pageInspector } from './page-inspector.ts';
