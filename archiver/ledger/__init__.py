"""What makes the archive tamper-evident, pure: an append-only tree, signed heads, time stamps, proofs, static files.

`tree` is RFC 6962/9162, `checkpoint` and `keys` are C2SP tlog-checkpoint and signed-note with Ed25519, `stamps` is
RFC 3161, `tiles` is C2SP tlog-tiles, `proof` ties them together for one record. Nothing here opens a socket or knows
SQL: storage and network are handed in. What the ledger proves, and what it does not, is `proof.PROVES` and
`proof.DOES_NOT_PROVE`, and docs/ledger.md.
"""
