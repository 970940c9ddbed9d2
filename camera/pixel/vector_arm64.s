#include "go_asm.h"
#include "textflag.h"

// Go's assembler has no names for these instructions on four floats; the
// numbers are of the vector registers: destination, first, second operand.
#define FADD4(d, n, m) WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d))
#define FSUB4(d, n, m) WORD $(0x4EA0D400 | (m)<<16 | (n)<<5 | (d))
#define FMUL4(d, n, m) WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d))
#define SCVTF4(d, n) WORD $(0x4E21D800 | (n)<<5 | (d))

// func axpyVector(dst, x *float32, n int, w float32)
TEXT ·axpyVector(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	MOVW w+24(FP), R3
	VDUP R3, V0.S4

next:
	VLD1.P 16(R1), [V1.S4]
	VLD1   (R0), [V2.S4]
	FMUL4(1, 1, 0)
	FADD4(2, 2, 1)
	VST1.P [V2.S4], 16(R0)
	SUB    $4, R2
	CBNZ   R2, next
	RET

// func affineVector(dst *float32, n int, scale, offset float32)
TEXT ·affineVector(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD n+8(FP), R2
	MOVW scale+16(FP), R3
	MOVW offset+20(FP), R4
	VDUP R3, V0.S4
	VDUP R4, V1.S4

next:
	VLD1   (R0), [V2.S4]
	FMUL4(2, 2, 0)
	FADD4(2, 2, 1)
	VST1.P [V2.S4], 16(R0)
	SUB    $4, R2
	CBNZ   R2, next
	RET

// func shrinkVector(dst *float32, src *byte, steps *step, n int, slope float32, c *carry)
TEXT ·shrinkVector(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD steps+16(FP), R2
	MOVD n+24(FP), R3
	MOVW slope+32(FP), R4
	MOVD c+40(FP), R5
	VDUP R4, V7.S4
	VLD1 (R5), [V5.S4]
	MOVW carry_norm(R5), R4
	VDUP R4, V6.S4

step:
	MOVD step_lo(R2), R6
	MOVD step_hi(R2), R7
	SUB  R6, R7            // pixels
	ADD  R6<<1, R6
	ADD  R1, R6
	VEOR V0.B16, V0.B16, V0.B16 // the sums
	VEOR V1.B16, V1.B16, V1.B16 // the sums of the running sums
	CBZ  R7, summed

pixel:
	MOVWU  (R6), R8
	VMOV   R8, V2.S[0]
	VUSHLL $0, V2.B8, V2.H8
	VUSHLL $0, V2.H4, V2.S4
	VADD   V2.S4, V0.S4, V0.S4
	VADD   V0.S4, V1.S4, V1.S4
	ADD    $3, R6
	SUB    $1, R7
	CBNZ   R7, pixel

summed:
	SCVTF4(0, 0)
	SCVTF4(1, 1)
	MOVW step_a(R2), R8
	VDUP R8, V2.S4
	FMUL4(2, 2, 0)
	FMUL4(1, 1, 7)
	FSUB4(2, 2, 1)  // here
	FSUB4(0, 0, 2)  // the rest
	FADD4(0, 5, 0)
	FMUL4(0, 0, 6)
	VST1 [V0.S4], (R0)
	VORR V2.B16, V2.B16, V5.B16
	MOVW step_b(R2), R8
	VDUP R8, V6.S4
	ADD  $12, R0
	ADD  $step__size, R2
	SUB  $1, R3
	CBNZ R3, step

	VST1 [V5.S4], (R5)
	VMOV V6.S[0], R8
	MOVW R8, carry_norm(R5)
	RET
