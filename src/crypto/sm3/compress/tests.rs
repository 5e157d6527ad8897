#![forbid(unsafe_code)]

use super::super::tests::bytes;
use super::*;

/// Whatever the processor chooses gives what the portable code gives, for all numbers of blocks about
/// the groups of eight, from chaining values of all kinds.
#[test]
fn every_level_and_number_of_blocks() {
    let data = bytes(3, 64 * 40);
    let blocks = data.as_chunks::<64>().0;
    for count in 0..=blocks.len() {
        for state in [IV, [0; 8], [u32::MAX; 8], [1, 2, 4, 8, 0x8000_0000, 0x7FFF_FFFF, 3, 5]] {
            let mut expected = state;
            portable::compress(&mut expected, &blocks[..count]);
            let mut chosen = state;
            compress(&mut chosen, &blocks[..count]);
            assert_eq!(chosen, expected, "{count} blocks");
            #[cfg(target_arch = "x86_64")]
            if let Some(kernel) = avx2::Kernel::for_blocks(count, Features::detected()) {
                let mut vectors = state;
                kernel.compress(&mut vectors, &blocks[..count]);
                assert_eq!(vectors, expected, "{count} blocks with AVX2");
            }
        }
    }
}
