// The desk's pages. What they show comes from the server through htmx; each module here listens for what it needs.
import "./live.js";
import "./times.js";
import "./transcript.js";
import "./composer.js";
import "./replies.js";
import "./conversation.js";
