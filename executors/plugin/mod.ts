export { builtInPlugin, externalPlugin } from "./plugins.ts";
export { PluginExecutorProvider } from "./provider.ts";
export { pluginTools } from "./tools.ts";
