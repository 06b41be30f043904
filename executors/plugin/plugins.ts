/** The providers of executors that are plugins: those in this executable, and everybody else's. */

import { inheritedEnvironment } from "../../core/util/inherited_environment.ts";
import { findPlugin, isExecutorName, pluginPath } from "./find_plugin.ts";
import type { PluginMarks } from "./plugin_marks.ts";
import { PluginExecutorProvider } from "./provider.ts";

export interface PluginHostOptions {
  /** The manager's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This process's own program. */
  readonly executable: string;
  /** Of all plugins of this process. */
  readonly marks: PluginMarks;
}

/** This executable again, as `runner plugin <name>`. Its programs see what the manager's would. */
export function builtInPlugin(name: "custom", options: PluginHostOptions): PluginExecutorProvider {
  const { env, executable } = options;
  const environment = Object.entries(inheritedEnvironment(env)).map(([key, value]) =>
    `${key}=${value}`
  );
  return new PluginExecutorProvider({
    ...options,
    name,
    features: { shared: true },
    command: (config) => ({
      argv: [executable, "plugin", name],
      environment,
      config: { ...config[name] },
    }),
  });
}

/** Undefined for what cannot be an executor's name. */
export function externalPlugin(
  name: string,
  options: PluginHostOptions & { readonly builtIn: readonly string[] },
): PluginExecutorProvider | undefined {
  if (!isExecutorName(name)) return undefined;
  const { builtIn } = options;
  const path = pluginPath(options);
  return new PluginExecutorProvider({
    ...options,
    name,
    features: {},
    command: (config) => findPlugin(config, { path, builtIn }),
  });
}
