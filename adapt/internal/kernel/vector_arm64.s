#include "go_asm.h"
#include "textflag.h"

// Go's assembler has no names for these instructions on four floats; the
// numbers are of the vector registers: destination, first, second operand.
#define FADD4(d, n, m) WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d))
#define FSUB4(d, n, m) WORD $(0x4EA0D400 | (m)<<16 | (n)<<5 | (d))
#define FMUL4(d, n, m) WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d))
#define FDIV4(d, n, m) WORD $(0x6E20FC00 | (m)<<16 | (n)<<5 | (d))
#define FSQRT4(d, n) WORD $(0x6EA1F800 | (n)<<5 | (d))

// func accumulateVector(y, w0, w1, w2, w3 *float32, n int, v *quad)
TEXT ·accumulateVector(SB), NOSPLIT, $0-56
	MOVD y+0(FP), R0
	MOVD w0+8(FP), R2
	MOVD w1+16(FP), R3
	MOVD w2+24(FP), R4
	MOVD w3+32(FP), R5
	MOVD n+40(FP), R6
	MOVD v+48(FP), R7
	VLD1 (R7), [V16.S4]
	VDUP V16.S[0], V20.S4
	VDUP V16.S[1], V21.S4
	VDUP V16.S[2], V22.S4
	VDUP V16.S[3], V23.S4

add:
	CBZ    R6, added
	VLD1   (R0), [V0.S4]
	VLD1.P 16(R2), [V2.S4]
	VLD1.P 16(R3), [V3.S4]
	VLD1.P 16(R4), [V4.S4]
	VLD1.P 16(R5), [V5.S4]
	FMUL4(2, 2, 20)
	FMUL4(3, 3, 21)
	FMUL4(4, 4, 22)
	FMUL4(5, 5, 23)
	FADD4(0, 0, 2)
	FADD4(0, 0, 3)
	FADD4(0, 0, 4)
	FADD4(0, 0, 5)
	VST1.P [V0.S4], 16(R0)
	SUB    $4, R6
	B      add

added:
	RET

// func accumulateTwoVector(y, z, w0, w1, w2, w3 *float32, n int, v, u *quad)
TEXT ·accumulateTwoVector(SB), NOSPLIT, $0-72
	MOVD y+0(FP), R0
	MOVD z+8(FP), R1
	MOVD w0+16(FP), R2
	MOVD w1+24(FP), R3
	MOVD w2+32(FP), R4
	MOVD w3+40(FP), R5
	MOVD n+48(FP), R6
	MOVD v+56(FP), R7
	MOVD u+64(FP), R8
	VLD1 (R7), [V16.S4]
	VLD1 (R8), [V17.S4]
	VDUP V16.S[0], V20.S4
	VDUP V16.S[1], V21.S4
	VDUP V16.S[2], V22.S4
	VDUP V16.S[3], V23.S4
	VDUP V17.S[0], V24.S4
	VDUP V17.S[1], V25.S4
	VDUP V17.S[2], V26.S4
	VDUP V17.S[3], V27.S4

loop:
	CBZ    R6, done
	VLD1   (R0), [V0.S4]
	VLD1   (R1), [V1.S4]
	VLD1.P 16(R2), [V2.S4]
	VLD1.P 16(R3), [V3.S4]
	VLD1.P 16(R4), [V4.S4]
	VLD1.P 16(R5), [V5.S4]
	FMUL4(6, 2, 20)
	FMUL4(7, 2, 24)
	FADD4(0, 0, 6)
	FADD4(1, 1, 7)
	FMUL4(6, 3, 21)
	FMUL4(7, 3, 25)
	FADD4(0, 0, 6)
	FADD4(1, 1, 7)
	FMUL4(6, 4, 22)
	FMUL4(7, 4, 26)
	FADD4(0, 0, 6)
	FADD4(1, 1, 7)
	FMUL4(6, 5, 23)
	FMUL4(7, 5, 27)
	FADD4(0, 0, 6)
	FADD4(1, 1, 7)
	VST1.P [V0.S4], 16(R0)
	VST1.P [V1.S4], 16(R1)
	SUB    $4, R6
	B      loop

done:
	RET

// func blockVector(y, x, w *float32, out, row, term, n int)
TEXT ·blockVector(SB), NOSPLIT, $0-56
	MOVD y+0(FP), R0
	MOVD x+8(FP), R1
	MOVD w+16(FP), R2
	MOVD out+24(FP), R3
	MOVD row+32(FP), R4
	MOVD term+40(FP), R5
	MOVD n+48(FP), R6
	LSL  $2, R3
	LSL  $2, R4
	LSL  $2, R5
	ADD  R3, R0, R7
	ADD  R3, R7, R8
	ADD  R3, R8, R9
	ADD  R4, R1, R10
	ADD  R4, R10, R11
	ADD  R4, R11, R12
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1 (R7), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1 (R8), [V8.S4, V9.S4, V10.S4, V11.S4]
	VLD1 (R9), [V12.S4, V13.S4, V14.S4, V15.S4]

term:
	VLD1  (R2), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1R (R1), [V20.S4]
	VLD1R (R10), [V21.S4]
	VLD1R (R11), [V22.S4]
	VLD1R (R12), [V23.S4]
	FMUL4(24, 16, 20)
	FMUL4(25, 17, 20)
	FMUL4(26, 18, 20)
	FMUL4(27, 19, 20)
	FADD4(0, 0, 24)
	FADD4(1, 1, 25)
	FADD4(2, 2, 26)
	FADD4(3, 3, 27)
	FMUL4(24, 16, 21)
	FMUL4(25, 17, 21)
	FMUL4(26, 18, 21)
	FMUL4(27, 19, 21)
	FADD4(4, 4, 24)
	FADD4(5, 5, 25)
	FADD4(6, 6, 26)
	FADD4(7, 7, 27)
	FMUL4(24, 16, 22)
	FMUL4(25, 17, 22)
	FMUL4(26, 18, 22)
	FMUL4(27, 19, 22)
	FADD4(8, 8, 24)
	FADD4(9, 9, 25)
	FADD4(10, 10, 26)
	FADD4(11, 11, 27)
	FMUL4(24, 16, 23)
	FMUL4(25, 17, 23)
	FMUL4(26, 18, 23)
	FMUL4(27, 19, 23)
	FADD4(12, 12, 24)
	FADD4(13, 13, 25)
	FADD4(14, 14, 26)
	FADD4(15, 15, 27)
	ADD   R3, R2
	ADD   R5, R1
	ADD   R5, R10
	ADD   R5, R11
	ADD   R5, R12
	SUB   $1, R6
	CBNZ  R6, term

	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0)
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R7)
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R8)
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R9)
	RET

// func adamVector(w, gw, m, v *float32, n int, s *AdamStep)
TEXT ·adamVector(SB), NOSPLIT, $0-48
	MOVD  w+0(FP), R0
	MOVD  gw+8(FP), R1
	MOVD  m+16(FP), R2
	MOVD  v+24(FP), R3
	MOVD  n+32(FP), R4
	MOVD  s+40(FP), R5
	MOVWU AdamStep_Alpha(R5), R6
	VDUP  R6, V16.S4
	MOVWU AdamStep_Keep1(R5), R6
	VDUP  R6, V17.S4
	MOVWU AdamStep_Keep2(R5), R6
	VDUP  R6, V18.S4
	MOVWU AdamStep_Epsilon(R5), R6
	VDUP  R6, V19.S4

step:
	CBZ    R4, end
	VLD1   (R0), [V0.S4]
	VLD1.P 16(R1), [V1.S4]
	VLD1   (R2), [V2.S4]
	VLD1   (R3), [V3.S4]
	FSUB4(4, 1, 2)
	FMUL4(4, 4, 17)
	FADD4(2, 2, 4)
	VST1.P [V2.S4], 16(R2)
	FMUL4(5, 1, 1)
	FSUB4(5, 5, 3)
	FMUL4(5, 5, 18)
	FADD4(3, 3, 5)
	VST1.P [V3.S4], 16(R3)
	FSQRT4(6, 3)
	FADD4(6, 6, 19)
	FMUL4(7, 2, 16)
	FDIV4(7, 7, 6)
	FSUB4(0, 0, 7)
	VST1.P [V0.S4], 16(R0)
	SUB    $4, R4
	B      step

end:
	RET
