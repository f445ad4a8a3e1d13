import { sqlite } from 'kahn/sqlite';

// One of `file` and `directory` is given.
sqlite({ file: 'shop.db' });
sqlite({ directory: 'data', synchronous: 'NORMAL', busyTimeoutMs: 1_000 });
// @ts-expect-error neither
sqlite({});
// @ts-expect-error neither
sqlite({ synchronous: 'FULL' });
// @ts-expect-error both
sqlite({ file: 'shop.db', directory: 'data' });
