// The one entry of every page, which works without it as well. Nothing imports this file: its address carries a hash,
// so an import by name would be a second copy and everything would happen twice.
import { enhance } from "./enhance.js";

enhance();
