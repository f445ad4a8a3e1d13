/** Looks like a system, but is none. */
export const system = { name: 'system', applications: [] };
