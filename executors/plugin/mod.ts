export { builtInPlugin, externalPlugin } from "./plugins.ts";
export { PluginMarks } from "./plugin_marks.ts";
export { PluginExecutorProvider } from "./provider.ts";
export { pluginTools } from "./tools.ts";
