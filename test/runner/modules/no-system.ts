/** Looks like a system, but is not an instance of System. */
export const system = { name: 'system', applications: [] };
