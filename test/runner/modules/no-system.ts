/** Not what is looked for here. */
export const system = { name: 'system', applications: [] };
