import { lifeOf } from './life.ts';

export const life = lifeOf('sqlite', 2, import.meta.url);
export const { system } = life;
