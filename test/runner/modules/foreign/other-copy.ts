/** An instance of another copy of kahn, by the mark on its prototype. */
class System {}
Object.defineProperty(System.prototype, Symbol.for('kahn.class'), { value: { name: 'System', copy: {} } });

export const system = new System();
